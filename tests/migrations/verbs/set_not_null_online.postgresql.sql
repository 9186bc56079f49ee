-- upgrade, a table
ALTER TABLE people ADD CONSTRAINT people_name_is_not_null CHECK (name IS NOT NULL) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT people_name_is_not_null;
ALTER TABLE people ALTER COLUMN name SET NOT NULL;
ALTER TABLE people DROP CONSTRAINT IF EXISTS people_name_is_not_null;

-- downgrade, a table
ALTER TABLE people ALTER COLUMN name DROP NOT NULL;

-- upgrade, a partitioned table
ALTER TABLE people ADD CONSTRAINT people_name_is_not_null CHECK (name IS NOT NULL) NOT VALID;
ALTER TABLE people_1 VALIDATE CONSTRAINT people_name_is_not_null;
ALTER TABLE people_2a VALIDATE CONSTRAINT people_name_is_not_null;
ALTER TABLE people VALIDATE CONSTRAINT people_name_is_not_null;
ALTER TABLE people ALTER COLUMN name SET NOT NULL;
ALTER TABLE people DROP CONSTRAINT IF EXISTS people_name_is_not_null;

-- downgrade, a partitioned table
ALTER TABLE people ALTER COLUMN name DROP NOT NULL;

-- upgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people ADD CONSTRAINT people_name_is_not_null CHECK (name IS NOT NULL) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT people_name_is_not_null;
ALTER TABLE people ALTER COLUMN name SET NOT NULL;
ALTER TABLE people DROP CONSTRAINT IF EXISTS people_name_is_not_null;
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people ALTER COLUMN name DROP NOT NULL;
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TABLE people ADD CONSTRAINT people_name_is_not_null CHECK (name IS NOT NULL) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT people_name_is_not_null;
ALTER TABLE people ALTER COLUMN name SET NOT NULL;
ALTER TABLE people DROP CONSTRAINT IF EXISTS people_name_is_not_null;
BEGIN;
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TABLE people ALTER COLUMN name DROP NOT NULL;
BEGIN;
COMMIT;
