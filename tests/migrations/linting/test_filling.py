"""Synthetic rows: every type, key and condition, and what cannot be filled is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from agentlogger.migrate.linting.filling import Filled, Filler, described
from agentlogger.migrate.task import DIALECTS
from tests.migrations.linting.judged import BOTH, POSTGRESQL, SQLITE
from tests.migrations.project import emptied

ROWS = 200

TYPES = """
smallint; integer; bigint; real; double precision; numeric; numeric(10, 2); numeric(3, 0); money;
boolean; text; varchar; varchar(5); char(3); date; timestamp; timestamptz; timestamp(3); time;
interval; uuid; bytea; json; jsonb; inet; cidr; macaddr; bit(8); tsvector; int4range; text[];
integer[]; varchar(4)[]; point; mood; mood[]; percent
"""


@pytest.fixture
def connection(databases) -> Iterator[sa.Connection]:
    with emptied(databases) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as made:
            yield made


def filled(
    connection: sa.Connection, *statements: str, whole: bool = False, rows: int = ROWS
) -> dict[str, Filled]:
    """What became of the tables that these statements make."""
    for statement in statements:
        connection.exec_driver_sql(statement)
    dialect = DIALECTS[connection.dialect.name]
    tables = described(connection, dialect, makes_parts=True)
    filler = Filler(connection, dialect, tables, whole=tables if whole else ())
    return {name: filler.fill(name, rows) for name in tables}


def asked(connection: sa.Connection, query: str) -> int:
    return int(connection.exec_driver_sql(query).scalar_one())


@POSTGRESQL
def test_every_type_of_postgresql_has_values(connection):
    """On PostgreSQL only, whose types these are."""
    columns = ", ".join(f"c{place} {one} NOT NULL" for place, one in enumerate(TYPES.split(";")))
    found = filled(
        connection,
        "CREATE TYPE mood AS ENUM ('calm', 'wild')",
        "CREATE DOMAIN percent AS integer NOT NULL",
        f"CREATE TABLE every (id serial PRIMARY KEY, {columns})",
    )

    assert found == {"every": Filled(ROWS)}
    assert asked(connection, "SELECT count(DISTINCT c1) FROM every") == ROWS


@SQLITE
def test_every_declared_type_of_sqlite_has_values(connection):
    """On SQLite only, which takes any."""
    types = (
        "INTEGER", "SMALLINT", "VARCHAR(5)", "CHAR(32)", "TEXT", "BLOB", "BOOLEAN", "DATETIME",
        "DATE", "TIME", "JSON", "NUMERIC(10, 2)", "DECIMAL(3)", "FLOAT", "",
    )  # fmt: skip
    columns = ", ".join(f"c{place} {one} NOT NULL" for place, one in enumerate(types))
    found = filled(connection, f"CREATE TABLE every (id INTEGER PRIMARY KEY, {columns})")

    assert found == {"every": Filled(ROWS)}
    assert asked(connection, "SELECT max(length(c2)) FROM every") == 5
    assert asked(connection, "SELECT count(DISTINCT c3) FROM every") == ROWS


@BOTH
def test_keys_refer_to_rows_that_are_there(connection):
    found = filled(
        connection,
        "CREATE TABLE teams (id integer PRIMARY KEY, code varchar(10) NOT NULL UNIQUE)",
        "CREATE TABLE people (id integer PRIMARY KEY, boss_id integer NOT NULL REFERENCES people,"
        " team varchar(10) NOT NULL REFERENCES teams (code), old_team integer REFERENCES teams)",
        "CREATE TABLE badges (a integer, b integer, PRIMARY KEY (a, b))",
        "CREATE TABLE scans (id integer PRIMARY KEY, a integer NOT NULL, b integer NOT NULL,"
        " FOREIGN KEY (a, b) REFERENCES badges (a, b))",
    )

    assert found == dict.fromkeys(found, Filled(ROWS))
    joined = "SELECT count(*) FROM people JOIN teams ON teams.code = people.team"
    assert asked(connection, joined) == ROWS
    assert asked(connection, "SELECT count(*) FROM people WHERE old_team IS NULL") == ROWS / 2
    assert asked(connection, "SELECT count(*) FROM scans JOIN badges USING (a, b)") == ROWS


@BOTH
def test_conditions_are_obeyed(connection):
    found = filled(
        connection,
        "CREATE TABLE parts (id integer PRIMARY KEY, kind text NOT NULL, size integer NOT NULL,"
        " low integer NOT NULL, high integer NOT NULL, "
        " CHECK (kind IN ('bolt', 'nut')), CHECK (size BETWEEN 3 AND 7), CHECK (low <= high),"
        " CHECK (low > 5))",
    )

    assert found == {"parts": Filled(ROWS)}
    assert asked(connection, "SELECT count(DISTINCT kind) FROM parts") == 2


@BOTH
def test_what_may_be_null_is_so_in_every_second_row_or_never(connection):
    made = "CREATE TABLE {} (id integer PRIMARY KEY, name text)"

    filled(connection, made.format("half"))
    assert asked(connection, "SELECT count(name) FROM half") == ROWS / 2

    filled(connection, made.format("whole"), whole=True)
    assert asked(connection, "SELECT count(name) FROM whole") == ROWS


@BOTH
def test_what_cannot_be_filled_says_why(connection):
    found = filled(
        connection,
        "CREATE TABLE odd (id integer PRIMARY KEY, name text NOT NULL, CHECK (name <> name))",
        "CREATE TABLE child (id integer PRIMARY KEY, odd_id integer NOT NULL REFERENCES odd)",
    )

    assert found["odd"].rows == found["child"].rows == 0
    assert "name <> name" in found["odd"].reason
    assert found["child"].reason == "it refers to odd, which has no rows"


@BOTH
def test_rows_are_the_same_every_time(connection):
    made = "CREATE TABLE {} (id integer PRIMARY KEY, name varchar(9), at timestamp)"

    filled(connection, made.format("one"))
    filled(connection, made.format("two"))

    both = "SELECT count(*) FROM one JOIN two ON one.id = two.id AND one.at = two.at"
    assert asked(connection, both) == ROWS / 2


@BOTH
def test_a_table_that_is_full_gets_no_more(connection):
    made = "CREATE TABLE parts (id integer PRIMARY KEY)"
    filled(connection, made)

    assert filled(connection, rows=10) == {"parts": Filled(ROWS)}


@POSTGRESQL
def test_partitions_get_rows_that_belong_there(connection):
    """On PostgreSQL only: SQLite has no partitions."""
    found = filled(
        connection,
        "CREATE TABLE logs (day bigint NOT NULL, stray smallint NOT NULL, msg text,"
        " PRIMARY KEY (day, stray)) PARTITION BY RANGE (stray, day)",
        "CREATE TABLE strays PARTITION OF logs FOR VALUES FROM (1, MINVALUE) TO (1, MAXVALUE)",
        "CREATE TABLE today PARTITION OF logs FOR VALUES FROM (0, 5000) TO (0, 6000)",
        "CREATE TABLE later (id integer NOT NULL) PARTITION BY RANGE (id)",
        "CREATE TABLE spread (id integer NOT NULL) PARTITION BY HASH (id)",
    )

    assert found == dict.fromkeys(found, Filled(ROWS))
    assert asked(connection, "SELECT count(*) FROM strays") == ROWS / 2
    assert asked(connection, "SELECT count(*) FROM today") == ROWS / 2


@POSTGRESQL
def test_a_type_that_nobody_knows_is_named(connection):
    """On PostgreSQL only: SQLite takes anything everywhere."""
    found = filled(connection, "CREATE TABLE shapes (id serial PRIMARY KEY, area path NOT NULL)")

    assert found["shapes"].rows == 0
    assert "path" in found["shapes"].reason
