-- upgrade, a table
CREATE UNIQUE INDEX CONCURRENTLY uq_people_day_name ON people (day, name);
ALTER TABLE people ADD CONSTRAINT uq_people_day_name UNIQUE USING INDEX uq_people_day_name;

-- downgrade, a table
ALTER TABLE people DROP CONSTRAINT IF EXISTS uq_people_day_name;

-- upgrade, a partitioned table
ALTER TABLE ONLY people ADD CONSTRAINT uq_people_day_name UNIQUE (day, name);
CREATE UNIQUE INDEX CONCURRENTLY people_1_uq_people_day_name ON people_1 (day, name);
ALTER TABLE people_1 ADD CONSTRAINT people_1_uq_people_day_name UNIQUE USING INDEX people_1_uq_people_day_name;
ALTER INDEX uq_people_day_name ATTACH PARTITION people_1_uq_people_day_name;
ALTER TABLE ONLY people_2 ADD CONSTRAINT people_2_uq_people_day_name UNIQUE (day, name);
CREATE UNIQUE INDEX CONCURRENTLY people_2a_uq_people_day_name ON people_2a (day, name);
ALTER TABLE people_2a ADD CONSTRAINT people_2a_uq_people_day_name UNIQUE USING INDEX people_2a_uq_people_day_name;
ALTER INDEX people_2_uq_people_day_name ATTACH PARTITION people_2a_uq_people_day_name;
ALTER INDEX uq_people_day_name ATTACH PARTITION people_2_uq_people_day_name;

-- downgrade, a partitioned table
ALTER TABLE people DROP CONSTRAINT IF EXISTS uq_people_day_name;

-- upgrade --sql, a table
BEGIN;
COMMIT;
CREATE UNIQUE INDEX CONCURRENTLY uq_people_day_name ON people (day, name);
ALTER TABLE people ADD CONSTRAINT uq_people_day_name UNIQUE USING INDEX uq_people_day_name;
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people DROP CONSTRAINT IF EXISTS uq_people_day_name;
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
-- people is partitioned, and only its database knows how: this locks it for as long as it takes,
-- where an upgrade without --sql goes by its partitions and stops nobody.
ALTER TABLE people ADD CONSTRAINT uq_people_day_name UNIQUE (day, name);
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TABLE people DROP CONSTRAINT IF EXISTS uq_people_day_name;
BEGIN;
COMMIT;
