"""Marks that are taken over from an earlier moment are those that reading the values gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from agentlogger.migrate.postgresql import marks
from tests.migrations.project import emptied

SALT = 7

TABLES = """
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE parts (id bigint, day bigint, name text, size int, colour colour,
    twice int GENERATED ALWAYS AS (size * 2) STORED, PRIMARY KEY (id, day))
    PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE bag (name text, size int);
CREATE TABLE other (id int PRIMARY KEY, name text);
INSERT INTO parts SELECT g, mod(g, 20), 'part ' || g, g, 'red' FROM generate_series(1, 50) AS g;
INSERT INTO bag SELECT 'a', g FROM generate_series(1, 5) AS g;
INSERT INTO other VALUES (1, 'one'), (2, NULL);
"""

TAKEN_OVER = [
    "SELECT 1",
    "ALTER TABLE parts ADD COLUMN note text",
    "ALTER TABLE parts ADD COLUMN note text DEFAULT 'same in all rows'",
    "ALTER TABLE parts DROP COLUMN size CASCADE",
    "ALTER TABLE parts RENAME COLUMN name TO title",
    "CREATE INDEX ix ON parts (name)",
    "ANALYZE parts",
    (
        "ALTER TABLE parts DETACH PARTITION parts_2;"
        " ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20)"
    ),
]
"""What writes no value of the column `name` of `parts`."""

READ_AGAIN = [
    "UPDATE parts SET name = 'x' WHERE id = 3",
    "UPDATE parts a SET name = b.name FROM parts b WHERE a.id = 60 - b.id",
    "DELETE FROM parts WHERE id = 3",
    "DELETE FROM parts WHERE id = 3; INSERT INTO parts VALUES (3, 3, 'part III', 3, 'red')",
    "INSERT INTO parts VALUES (99, 3, 'part 99', 99, 'red')",
    "UPDATE parts SET day = 15 WHERE id = 3",
    "TRUNCATE parts",
    "ALTER TABLE parts ALTER COLUMN name TYPE varchar(40) USING upper(name)",
    "ALTER TABLE parts DETACH PARTITION parts_2",
    "ALTER TABLE parts DROP COLUMN name; ALTER TABLE parts ADD COLUMN name text DEFAULT 'x'",
    "ALTER TABLE parts DROP CONSTRAINT parts_pkey",
]


@pytest.fixture(scope="module")
def engine(postgresql_databases) -> Iterator[sa.Engine]:
    """A PostgreSQL database with rows in tables of each kind."""
    with emptied(postgresql_databases) as url:
        made = sa.create_engine(url)
        with made.begin() as connection:
            connection.exec_driver_sql(TABLES)
        yield made
        made.dispose()


@pytest.fixture
def connection(engine) -> Iterator[sa.Connection]:
    """A transaction in it, which is rolled back."""
    with engine.connect() as made:
        yield made
        made.rollback()


@pytest.mark.parametrize("sql", [*TAKEN_OVER, *READ_AGAIN])
def test_marks_are_on_postgresql_the_same_with_and_without_an_earlier_moment(connection, sql):
    before = marks.marks(connection, SALT, {})
    connection.exec_driver_sql(sql)
    fresh = marks.marks(connection, SALT, {})
    assert marks.marks(connection, SALT, before) == fresh
    if sql in READ_AGAIN:
        assert fresh != before


@pytest.mark.parametrize("sql", ["ALTER TYPE colour RENAME VALUE 'red' TO 'ruby'"])
def test_a_value_with_another_name_in_its_type_is_another_on_postgresql(connection, sql):
    before = marks.marks(connection, SALT, {})
    connection.exec_driver_sql(sql)
    after = marks.marks(connection, SALT, before)
    assert after["parts"].columns["colour"] != before["parts"].columns["colour"]
    assert after["parts"].columns["name"] == before["parts"].columns["name"]


@pytest.mark.parametrize("sql", TAKEN_OVER)
def test_values_that_nothing_was_written_to_are_not_read_again_on_postgresql(
    connection, monkeypatch, sql
):
    before = marks.marks(connection, SALT, {})
    connection.exec_driver_sql(sql)
    read: list[str] = []
    reading = marks._read

    def note(connection, table, salt, names, versions):
        read.extend(f"{table.bare}.{name}" for name in names)
        return reading(connection, table, salt, names, versions)

    monkeypatch.setattr(marks, "_read", note)
    marks.marks(connection, SALT, before)
    assert not {"parts.name", "parts.title", "other.name", "bag.size"} & set(read)


def test_a_version_that_forgot_the_tuples_would_take_over_what_has_changed(connection, monkeypatch):
    """The sabotage, on PostgreSQL: without xmin and ctid an UPDATE goes unseen."""
    whole = marks._versions

    def forgetful(connection, table):
        rows, versions = whole(connection, table)
        return rows, {name: f"{table.oid} {rows} {name}" for name in versions}

    monkeypatch.setattr(marks, "_versions", forgetful)
    before = marks.marks(connection, SALT, {})
    connection.exec_driver_sql(READ_AGAIN[0])
    assert marks.marks(connection, SALT, before) != marks.marks(connection, SALT, {})
