-- upgrade, a table
ALTER TABLE people ADD CONSTRAINT ck_people_age CHECK (age >= 0) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT ck_people_age;

-- downgrade, a table
ALTER TABLE people DROP CONSTRAINT IF EXISTS ck_people_age;

-- upgrade, a partitioned table
ALTER TABLE people ADD CONSTRAINT ck_people_age CHECK (age >= 0) NOT VALID;
ALTER TABLE people_1 VALIDATE CONSTRAINT ck_people_age;
ALTER TABLE people_2a VALIDATE CONSTRAINT ck_people_age;
ALTER TABLE people VALIDATE CONSTRAINT ck_people_age;

-- downgrade, a partitioned table
ALTER TABLE people DROP CONSTRAINT IF EXISTS ck_people_age;

-- upgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people ADD CONSTRAINT ck_people_age CHECK (age >= 0) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT ck_people_age;
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people DROP CONSTRAINT IF EXISTS ck_people_age;
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TABLE people ADD CONSTRAINT ck_people_age CHECK (age >= 0) NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT ck_people_age;
BEGIN;
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TABLE people DROP CONSTRAINT IF EXISTS ck_people_age;
BEGIN;
COMMIT;
