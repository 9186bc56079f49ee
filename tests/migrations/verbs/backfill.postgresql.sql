-- upgrade, a table
UPDATE people SET name = 'p' || id, age = 1 WHERE age > 1;

-- downgrade, a table
-- (nothing)

-- upgrade, a partitioned table
UPDATE people SET name = 'p' || id, age = 1 WHERE age > 1;

-- downgrade, a partitioned table
-- (nothing)

-- upgrade --sql, a table
BEGIN;
-- An upgrade without --sql leaves this for later where the table is large. It is done in
-- batches then, so that nobody waits: by the service, or by `flask db backfill run people_name_age`.
UPDATE people SET name = 'p' || id, age = 1 WHERE age > 1;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
-- An upgrade without --sql leaves this for later where the table is large. It is done in
-- batches then, so that nobody waits: by the service, or by `flask db backfill run people_name_age`.
UPDATE people SET name = 'p' || id, age = 1 WHERE age > 1;
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
