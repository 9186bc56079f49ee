-- upgrade, a table
CREATE TABLE _alembic_tmp_people ( day INTEGER NOT NULL, id INTEGER NOT NULL, name VARCHAR(20), age INTEGER, team_id INTEGER, CONSTRAINT pk_people PRIMARY KEY (day, id), CONSTRAINT fk_people_team_id_teams FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE );
INSERT INTO _alembic_tmp_people (day, id, name, age, team_id) SELECT people.day, people.id, people.name, people.age, people.team_id FROM people;
DROP TABLE people;
ALTER TABLE _alembic_tmp_people RENAME TO people;

-- downgrade, a table
CREATE TABLE _alembic_tmp_people ( day INTEGER NOT NULL, id INTEGER NOT NULL, name VARCHAR(20), age INTEGER, team_id INTEGER, CONSTRAINT pk_people PRIMARY KEY (day, id) );
INSERT INTO _alembic_tmp_people (day, id, name, age, team_id) SELECT people.day, people.id, people.name, people.age, people.team_id FROM people;
DROP TABLE people;
ALTER TABLE _alembic_tmp_people RENAME TO people;

-- upgrade --sql, a table
-- --sql cannot write op.create_foreign_key_online for SQLite, which copies people as it finds it there: run `flask db upgrade` on the database itself, or write --sql for PostgreSQL.

-- downgrade --sql, a table
-- --sql cannot write op.drop_constraint_online for SQLite, which copies people as it finds it there: run `flask db upgrade` on the database itself, or write --sql for PostgreSQL.
