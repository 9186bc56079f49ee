-- upgrade, a table
CREATE INDEX ix_people_name ON people (name) WHERE age > 1;

-- downgrade, a table
DROP INDEX IF EXISTS ix_people_name;

-- upgrade --sql, a table
BEGIN;
CREATE INDEX ix_people_name ON people (name) WHERE age > 1;
COMMIT;

-- downgrade --sql, a table
BEGIN;
DROP INDEX IF EXISTS ix_people_name;
COMMIT;
