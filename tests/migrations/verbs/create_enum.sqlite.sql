-- upgrade, a table
-- (nothing)

-- downgrade, a table
-- (nothing)

-- upgrade --sql, a table
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
