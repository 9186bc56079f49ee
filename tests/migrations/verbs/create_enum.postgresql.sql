-- upgrade, a table
CREATE TYPE temper AS ENUM ('calm', 'it''s');

-- downgrade, a table
DROP TYPE IF EXISTS temper;

-- upgrade, a partitioned table
CREATE TYPE temper AS ENUM ('calm', 'it''s');

-- downgrade, a partitioned table
DROP TYPE IF EXISTS temper;

-- upgrade --sql, a table
BEGIN;
CREATE TYPE temper AS ENUM ('calm', 'it''s');
COMMIT;

-- downgrade --sql, a table
BEGIN;
DROP TYPE IF EXISTS temper;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
CREATE TYPE temper AS ENUM ('calm', 'it''s');
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
DROP TYPE IF EXISTS temper;
COMMIT;
