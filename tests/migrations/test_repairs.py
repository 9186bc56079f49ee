"""A catalogue sees what somebody changes by hand, and the statements shown for it take it back."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from agentlogger.migrate.postgresql import repairs
from agentlogger.migrate.task import DIALECTS
from agentlogger.migrate.trial.drift import of_the_database
from tests.migrations.histories import catalogue, run

pytestmark = pytest.mark.promise

TABLES = (
    (
        "CREATE TABLE teams (id INTEGER NOT NULL, label VARCHAR(20),"
        " CONSTRAINT pk_teams PRIMARY KEY (id))"
    ),
    (
        "CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR(50) NOT NULL,"
        " age INTEGER DEFAULT 0, team_id INTEGER,"
        " twice INTEGER GENERATED ALWAYS AS (age * 2) STORED, note TEXT,"
        " CONSTRAINT pk_people PRIMARY KEY (id), CONSTRAINT uq_people_name UNIQUE (name),"
        " CONSTRAINT ck_people_age CHECK (age >= 0),"
        " CONSTRAINT fk_people_team FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE CASCADE)"
    ),
    "CREATE INDEX ix_people_age ON people (age) WHERE age IS NOT NULL",
    "CREATE VIEW grown AS SELECT name FROM people WHERE age > 17",
    "INSERT INTO teams VALUES (1, 'one')",
    "INSERT INTO people (id, name, age, team_id) VALUES (1, 'ann', 30, 1)",
)

BEGINNINGS = {
    "sqlite": (
        *TABLES,
        "CREATE TRIGGER stamps AFTER UPDATE ON people BEGIN DELETE FROM teams WHERE id = 7; END",
    ),
    "postgresql": (
        "CREATE TYPE mood AS ENUM ('calm', 'wild')",
        "CREATE SEQUENCE ticket",
        *TABLES,
        "ALTER TABLE people ADD COLUMN feeling mood",
        (
            "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN NEW.note = 'x'; RETURN NEW; END$$"
        ),
        "CREATE TRIGGER stamps BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION stamp()",
        "CREATE POLICY mine ON people USING (name = current_user)",
        "CREATE TABLE events (day INTEGER, said TEXT) PARTITION BY RANGE (day)",
        "CREATE INDEX ix_events_day ON events (day)",
        "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10)",
    ),
}

GONE, TOO_MUCH, OTHER = "missing in the database", "only in the database", "differs"

BOTH = [
    ("DROP INDEX ix_people_age", "index ix_people_age on people", GONE),
    ("CREATE INDEX ix_slow ON people (note)", "index ix_slow on people", TOO_MUCH),
    (
        "DROP INDEX ix_people_age; CREATE INDEX ix_people_age ON people (age) WHERE age > 1",
        "index ix_people_age on people",
        OTHER,
    ),
    (
        "DROP INDEX ix_people_age; CREATE UNIQUE INDEX ix_people_age ON people (age)",
        "index ix_people_age on people",
        OTHER,
    ),
    ("CREATE TABLE more (id INTEGER)", "table more", TOO_MUCH),
    ("ALTER TABLE people ADD COLUMN extra TEXT", "column people.extra", TOO_MUCH),
    ("ALTER TABLE teams DROP COLUMN label", "column teams.label", GONE),
    ("DROP VIEW grown", "view grown", GONE),
    (
        "DROP VIEW grown; CREATE VIEW grown AS SELECT name FROM people WHERE age > 20",
        "view grown",
        OTHER,
    ),
]

POSTGRESQL = [
    ("ALTER TABLE people ALTER age SET DEFAULT 1", "column people.age", OTHER),
    ("ALTER TABLE people ALTER age DROP DEFAULT", "column people.age", OTHER),
    ("ALTER TABLE people ALTER note SET DEFAULT 'x'", "column people.note", OTHER),
    ("ALTER TABLE teams ALTER label TYPE TEXT", "column teams.label", OTHER),
    ("ALTER TABLE people ALTER name DROP NOT NULL", "column people.name", OTHER),
    ('ALTER TABLE people ALTER note TYPE TEXT COLLATE "C"', "column people.note", OTHER),
    (
        "ALTER TABLE people ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "column people.id",
        OTHER,
    ),
    ("ALTER TABLE people ALTER twice DROP EXPRESSION", "column people.twice", OTHER),
    (
        (
            "ALTER TABLE people DROP CONSTRAINT ck_people_age,"
            " ADD CONSTRAINT ck_people_age CHECK (age > 0)"
        ),
        "constraint ck_people_age on people",
        OTHER,
    ),
    (
        (
            "ALTER TABLE people DROP CONSTRAINT ck_people_age,"
            " ADD CONSTRAINT ck_people_age CHECK (age >= 0) NOT VALID"
        ),
        "constraint ck_people_age on people",
        "NOT VALID",
    ),
    (
        "ALTER TABLE people DROP CONSTRAINT fk_people_team",
        "constraint fk_people_team on people",
        GONE,
    ),
    (
        "ALTER TABLE people DROP CONSTRAINT uq_people_name",
        "constraint uq_people_name on people",
        GONE,
    ),
    (
        "ALTER TABLE people ADD CONSTRAINT ck_more CHECK (note <> '')",
        "constraint ck_more on people",
        TOO_MUCH,
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_people_age'::regclass",
        "index ix_people_age on people",
        "INVALID",
    ),
    (
        (
            "CREATE INDEX ix_slow ON people (note);"
            " UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_slow'::regclass"
        ),
        "index ix_slow on people",
        "INVALID",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'uq_people_name'::regclass",
        "constraint uq_people_name on people",
        "INVALID",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_1_day_idx'::regclass",
        "index events_1_day_idx on events_1",
        "INVALID",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_events_day'::regclass",
        "index ix_events_day on events",
        "INVALID",
    ),
    ("ALTER TABLE people ALTER note SET STORAGE EXTERNAL", "storage people.note", TOO_MUCH),
    ("ALTER TABLE people SET (fillfactor = 70)", "options people", TOO_MUCH),
    ("ALTER TABLE people SET UNLOGGED", "table people", OTHER),
    ("ALTER TABLE people ENABLE ROW LEVEL SECURITY", "row security people", TOO_MUCH),
    ("DROP POLICY mine ON people", "policy mine on people", GONE),
    (
        "DROP POLICY mine ON people; CREATE POLICY mine ON people USING (true)",
        "policy mine on people",
        OTHER,
    ),
    (
        "CREATE TRIGGER other AFTER DELETE ON people FOR EACH ROW EXECUTE FUNCTION stamp()",
        "trigger other on people",
        TOO_MUCH,
    ),
    ("DROP TRIGGER stamps ON people", "trigger stamps on people", GONE),
    (
        "ALTER TABLE people DISABLE TRIGGER stamps",
        "trigger state stamps on people",
        TOO_MUCH,
    ),
    (
        "CREATE FUNCTION half(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n / 2'",
        "function half(n integer)",
        TOO_MUCH,
    ),
    (
        (
            "CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RETURN NULL; END$$"
        ),
        "function stamp()",
        OTHER,
    ),
    ("CREATE TYPE size AS ENUM ('s', 'm')", "enum size", TOO_MUCH),
    ("DROP SEQUENCE ticket", "sequence ticket", GONE),
    ("ALTER SEQUENCE ticket INCREMENT 5", "sequence ticket", OTHER),
    ("CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one", "materialized view kept", TOO_MUCH),
    ("CREATE STATISTICS pairs ON age, note FROM people", "statistics pairs on people", TOO_MUCH),
    (
        "CREATE RULE quiet AS ON DELETE TO people DO INSTEAD NOTHING",
        "rule quiet on people",
        TOO_MUCH,
    ),
    ("DROP TABLE events_1", "partition events_1 on events", GONE),
    ("DROP TABLE events", "table events", GONE),
    ('CREATE TABLE "Odd ""name" ("a.b" TEXT)', 'table "Odd ""name"', TOO_MUCH),
]

SQLITE_REBUILDS = {
    "age INTEGER DEFAULT 0": ("age INTEGER DEFAULT 1", "column people.age", OTHER),
    "name VARCHAR(50) NOT NULL": ("name VARCHAR(40) NOT NULL", "column people.name", OTHER),
    "note TEXT": ("note TEXT COLLATE NOCASE", "column people.note", OTHER),
    "(age * 2)": ("(age * 3)", "column people.twice", OTHER),
    "CHECK (age >= 0)": ("CHECK (age > 0)", "constraint ck_people_age on people", OTHER),
    " ON DELETE CASCADE": ("", "constraint fk_people_team on people", OTHER),
    " CONSTRAINT uq_people_name UNIQUE (name),": ("", "constraint uq_people_name on people", GONE),
    "note TEXT,": (
        "note TEXT, CHECK (note <> ''),",
        "constraint \"CHECK (note <> '')\" on people",
        TOO_MUCH,
    ),
}

SQLITE = [
    ("DROP TRIGGER stamps", "trigger stamps on people", GONE),
    (
        "CREATE TRIGGER other AFTER DELETE ON people BEGIN DELETE FROM teams; END",
        "trigger other on people",
        TOO_MUCH,
    ),
    ("CREATE VIRTUAL TABLE words USING fts5(word)", "virtual table words", TOO_MUCH),
    ("CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT", "table more", TOO_MUCH),
    ('CREATE TABLE "odd.name" ("key" TEXT)', 'table "odd.name"', TOO_MUCH),
]


@pytest.fixture
def database(empty_database_url) -> URL:
    """A small database with one of each kind of object."""
    run(empty_database_url, BEGINNINGS[empty_database_url.get_backend_name()])
    return empty_database_url


def assert_seen_and_repaired(url: URL, before: Mapping[str, str], thing: str, kind: str) -> None:
    dialect = DIALECTS[url.get_backend_name()]

    (finding,) = of_the_database(catalogue(url), before, dialect)

    assert (finding.thing, finding.difference) == (thing, kind)
    assert finding.against == "history"
    run(url, finding.repair)
    assert catalogue(url) == before


def names(cases) -> list[str]:
    return [f"{thing}, {kind}" for _, thing, kind in cases]


@pytest.mark.parametrize(("change", "thing", "kind"), BOTH, ids=names(BOTH))
def test_what_was_changed_by_hand_is_seen_and_its_repair_takes_it_back(
    database, change, thing, kind
):
    before = catalogue(database)
    run(database, change.split(";"))

    assert_seen_and_repaired(database, before, thing, kind)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("change", "thing", "kind"), POSTGRESQL, ids=names(POSTGRESQL))
def test_what_only_postgresql_has_is_seen_and_its_repair_takes_it_back(
    database, change, thing, kind
):
    """On PostgreSQL only: SQLite has no such object, or no statement that changes it."""
    before = catalogue(database)
    run(database, [change])

    assert_seen_and_repaired(database, before, thing, kind)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("change", "thing", "kind"), SQLITE, ids=names(SQLITE))
def test_what_is_spelled_otherwise_on_sqlite_is_seen_and_its_repair_takes_it_back(
    database, change, thing, kind
):
    """On SQLite only: PostgreSQL spells the statement otherwise."""
    before = catalogue(database)
    run(database, [change])

    assert_seen_and_repaired(database, before, thing, kind)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("part", SQLITE_REBUILDS)
def test_what_sqlite_cannot_alter_is_repaired_by_a_table_made_anew(
    database, sqlite_databases, part
):
    """On SQLite only, where a column and a constraint cannot be changed in place."""
    other, thing, kind = SQLITE_REBUILDS[part]
    changed = sqlite_databases.empty()
    run(changed, [one.replace(part, other, 1) for one in BEGINNINGS["sqlite"]])

    assert_seen_and_repaired(changed, catalogue(database), thing, kind)

    with contextlib.closing(sqlite3.connect(str(changed.database))) as raw:
        assert raw.execute("SELECT id, name, age, team_id FROM people").fetchall() == [
            (1, "ann", 30, 1)
        ]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_label_that_an_enum_lacks_is_put_where_it_belongs(database):
    """On PostgreSQL only: SQLite has no enums."""
    before = catalogue(database)
    wanted = {**before, "enum mood": "'shy', 'calm', 'keen', 'wild'"}

    (finding,) = of_the_database(before, wanted, DIALECTS["postgresql"])
    run(database, finding.repair)

    assert catalogue(database) == wanted
    assert repairs.repair("enum mood", wanted, before)[0].startswith("-- PostgreSQL takes no label")


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_an_invalid_index_of_a_pending_revision_is_made_again_by_an_upgrade(database):
    """On PostgreSQL only: SQLite has no INVALID indexes."""
    before = catalogue(database)
    after = {**before, "index ix_new on people": "CREATE INDEX ix_new ON people (note) INVALID"}

    (finding,) = of_the_database(after, before, DIALECTS["postgresql"], is_behind=True)

    assert finding.repair == ("DROP INDEX CONCURRENTLY ix_new;", "flask db upgrade")


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_an_index_that_is_being_built_is_not_to_be_dropped(database):
    """On PostgreSQL only, where an index that is being built is INVALID meanwhile."""
    before = catalogue(database)
    key = "index ix_slow on people"
    with held_open(database):
        builder = threading.Thread(
            target=run, args=(database, ["CREATE INDEX CONCURRENTLY ix_slow ON people (note)"])
        )
        builder.start()
        deadline = time.monotonic() + 20
        while not (found := catalogue(database)).get(key, "").endswith("NOW"):
            assert time.monotonic() < deadline
        (finding,) = of_the_database(found, before, DIALECTS["postgresql"])
    builder.join()

    assert finding.difference == "INVALID"
    assert finding.repair == ("-- it is being built at this moment: wait until that has ended",)
    assert not catalogue(database)[key].endswith("NOW")


@contextlib.contextmanager
def held_open(url: URL) -> Iterator[None]:
    """A transaction that an index build on `people` must wait for."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE people SET note = 'held'"))
        yield
    engine.dispose()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_what_belongs_to_an_extension_is_left_out(database):
    """On PostgreSQL only: SQLite has no extensions with tables."""
    before = catalogue(database)
    run(
        database,
        [
            "CREATE TABLE owned (id integer)",
            "CREATE FUNCTION owned() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "ALTER EXTENSION plpgsql ADD TABLE owned",
            "ALTER EXTENSION plpgsql ADD FUNCTION owned()",
        ],
    )

    assert catalogue(database) == before
