-- upgrade, a table
UPDATE people SET name = 'p' || id, age = 1 WHERE age > 1;

-- downgrade, a table
-- (nothing)

-- upgrade --sql, a table
BEGIN;
UPDATE people SET name = 'p' || id, age = 1 WHERE age > 1;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
