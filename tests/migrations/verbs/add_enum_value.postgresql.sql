-- upgrade, a table
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'keen' AFTER 'calm';

-- downgrade, a table
-- (nothing)

-- upgrade, a partitioned table
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'keen' AFTER 'calm';

-- downgrade, a partitioned table
-- (nothing)

-- upgrade --sql, a table
BEGIN;
COMMIT;
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'keen' AFTER 'calm';
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'keen' AFTER 'calm';
BEGIN;
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
