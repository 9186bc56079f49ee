"""An object has one name and one definition, however the statement that made it was spelled."""

from __future__ import annotations

import pytest

from agentlogger.migrate.trial.objects import KINDS, Thing, parse
from tests.migrations.histories import catalogue, run

pytestmark = pytest.mark.promise


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CREATE TABLE t (a INT)", 'create table "t" ( [a]  int /* no */ )'),
        ("CREATE TABLE t (a INT DEFAULT 0)", "CREATE TABLE t (a INT DEFAULT (0))"),
        ("CREATE TABLE t (a INT DEFAULT 0)", "CREATE TABLE t (a INT DEFAULT '0')"),
        ("CREATE TABLE t (a INT DEFAULT 0)", "CREATE TABLE t (a INT DEFAULT FALSE)"),
        ("CREATE TABLE t (a INT DEFAULT -1)", "CREATE TABLE t (a INT DEFAULT (-1))"),
        ("CREATE TABLE t (a TEXT, b TEXT)", "CREATE TABLE t (b TEXT, a TEXT)"),
        ("CREATE TABLE t (a VARCHAR(9))", "CREATE TABLE t (a varchar (9))"),
        ("CREATE TABLE t (a INT PRIMARY KEY)", "CREATE TABLE t (a INT, PRIMARY KEY (a))"),
        ("CREATE TABLE t (a INT UNIQUE)", "CREATE TABLE t (a INT, UNIQUE (a))"),
        ("CREATE TABLE t (a INT CHECK (a > 0))", "CREATE TABLE t (a INT, CHECK ((a > 0)))"),
        (
            'CREATE TABLE t ("key" INT CONSTRAINT f REFERENCES u ("key") ON DELETE SET NULL)',
            (
                'CREATE TABLE t (key INT, CONSTRAINT f foreign key("key") references u(key)'
                " on delete set null on update no action not deferrable)"
            ),
        ),
        ("CREATE TABLE t (a TEXT COLLATE NOCASE)", 'CREATE TABLE t (a TEXT COLLATE "nocase")'),
        (
            "CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a + 1) VIRTUAL)",
            "CREATE TABLE t (a INT, b INT AS ((a + 1)))",
        ),
    ],
)
def test_two_spellings_of_the_same_are_the_same(sqlite_databases, databases, one, other):
    """On SQLite only: PostgreSQL keeps no text."""
    del databases
    found = []
    for text in (one, other):
        url = sqlite_databases.empty()
        run(url, [text])
        found.append(dict(catalogue(url)))

    assert found[0] == found[1]


@pytest.mark.parametrize(
    "thing",
    [
        Thing("column", "users.email"),
        Thing("column", 'audit."odd.table"."a ""b"" on c"'),
        Thing("index", '"x on y"', "users"),
        Thing("function", "f", None, "(a integer, b text DEFAULT ')'::text)"),
        Thing("trigger state", "stamps", "audit.people"),
        Thing("materialized view", "kept"),
    ],
    ids=str,
)
def test_the_name_of_an_object_is_read_as_it_was_written(thing):
    assert parse(str(thing)) == thing


def test_a_name_tells_its_table_and_its_schema():
    assert parse("column audit.people.name").belongs_to == "audit.people"
    assert parse("column audit.people.name").schema == "audit"
    assert parse("column people.name").schema is None
    assert parse("index ix on audit.people").schema == "audit"
    assert {parse(f"{kind} x").kind for kind in KINDS} == set(KINDS)
    with pytest.raises(ValueError, match="names no object"):
        parse("nonsense")
