-- upgrade, a table
CREATE INDEX CONCURRENTLY ix_people_name ON people (name) WHERE age > 1;

-- downgrade, a table
DROP INDEX CONCURRENTLY IF EXISTS ix_people_name;

-- upgrade, a partitioned table
CREATE INDEX ix_people_name ON ONLY people (name) WHERE age > 1;
CREATE INDEX CONCURRENTLY people_1_ix_people_name ON people_1 (name) WHERE age > 1;
ALTER INDEX ix_people_name ATTACH PARTITION people_1_ix_people_name;
CREATE INDEX people_2_ix_people_name ON ONLY people_2 (name) WHERE age > 1;
CREATE INDEX CONCURRENTLY people_2a_ix_people_name ON people_2a (name) WHERE age > 1;
ALTER INDEX people_2_ix_people_name ATTACH PARTITION people_2a_ix_people_name;
ALTER INDEX ix_people_name ATTACH PARTITION people_2_ix_people_name;

-- downgrade, a partitioned table
DROP INDEX IF EXISTS ix_people_name;

-- upgrade --sql, a table
BEGIN;
COMMIT;
CREATE INDEX CONCURRENTLY ix_people_name ON people (name) WHERE age > 1;
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
DROP INDEX CONCURRENTLY IF EXISTS ix_people_name;
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
-- people is partitioned, and only its database knows how: this locks it for as long as it takes,
-- where an upgrade without --sql goes by its partitions and stops nobody.
CREATE INDEX ix_people_name ON people (name) WHERE age > 1;
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
DROP INDEX IF EXISTS ix_people_name;
BEGIN;
COMMIT;
