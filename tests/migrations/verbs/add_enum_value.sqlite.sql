-- upgrade, a table
CREATE TABLE _alembic_tmp_teams ( id INTEGER NOT NULL, feeling VARCHAR(4), CONSTRAINT pk_teams PRIMARY KEY (id), CONSTRAINT ck_teams_mood CHECK (feeling IN ('calm', 'keen', 'wild')) );
INSERT INTO _alembic_tmp_teams (id, feeling) SELECT teams.id, teams.feeling FROM teams;
DROP TABLE teams;
ALTER TABLE _alembic_tmp_teams RENAME TO teams;

-- downgrade, a table
CREATE TABLE _alembic_tmp_teams ( id INTEGER NOT NULL, feeling VARCHAR(4), CONSTRAINT pk_teams PRIMARY KEY (id), CONSTRAINT ck_teams_mood CHECK (feeling IN ('calm', 'wild')) );
INSERT INTO _alembic_tmp_teams (id, feeling) SELECT teams.id, teams.feeling FROM teams;
DROP TABLE teams;
ALTER TABLE _alembic_tmp_teams RENAME TO teams;

-- upgrade --sql, a table
-- --sql cannot write op.add_enum_value for SQLite, which copies teams as it finds it there: run `flask db upgrade` on the database itself, or write --sql for PostgreSQL.

-- downgrade --sql, a table
-- --sql cannot write op.retire_enum_value for SQLite, which copies teams as it finds it there: run `flask db upgrade` on the database itself, or write --sql for PostgreSQL.
