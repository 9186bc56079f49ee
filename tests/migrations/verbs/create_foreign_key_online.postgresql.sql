-- upgrade, a table
ALTER TABLE people ADD CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT fk_people_team_id_teams;

-- downgrade, a table
ALTER TABLE people DROP CONSTRAINT IF EXISTS fk_people_team_id_teams;

-- upgrade, a partitioned table
ALTER TABLE people_1 ADD CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE NOT VALID;
ALTER TABLE people_1 VALIDATE CONSTRAINT fk_people_team_id_teams;
ALTER TABLE people_2a ADD CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE NOT VALID;
ALTER TABLE people_2a VALIDATE CONSTRAINT fk_people_team_id_teams;
ALTER TABLE people ADD CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE;

-- downgrade, a partitioned table
ALTER TABLE people DROP CONSTRAINT IF EXISTS fk_people_team_id_teams;

-- upgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people ADD CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT fk_people_team_id_teams;
BEGIN;
COMMIT;

-- downgrade --sql, a table
BEGIN;
COMMIT;
ALTER TABLE people DROP CONSTRAINT IF EXISTS fk_people_team_id_teams;
BEGIN;
COMMIT;

-- upgrade --sql, a partitioned table
BEGIN;
-- people is partitioned, and only its database knows how: this locks it for as long as it takes,
-- where an upgrade without --sql goes by its partitions and stops nobody.
ALTER TABLE people ADD CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE;
COMMIT;

-- downgrade --sql, a partitioned table
BEGIN;
COMMIT;
ALTER TABLE people DROP CONSTRAINT IF EXISTS fk_people_team_id_teams;
BEGIN;
COMMIT;
