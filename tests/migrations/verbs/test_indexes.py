"""Indexes are built and dropped while others write, and again without harm."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Differs, Failed
from tests.migrations.verbs.stage import Stage

NAME = "ix_people_name"
KEY = f"index {NAME} on people"


def make(op) -> None:
    op.create_index_online(NAME, "people", ["name"])


def drop(op) -> None:
    op.drop_index_online(NAME, "people")


def unique(op) -> None:
    op.create_index_online(NAME, "people", ["day", "name"], unique=True)


def test_an_index_comes_and_goes_with_rows_in_place(stage: Stage):
    before, rows = stage.schema(), stage.rows()

    stage.do(make)
    assert "INVALID" not in stage.definition(KEY)
    assert stage.leftovers() == []
    stage.do(drop)

    assert stage.schema() == before
    assert stage.rows() == rows


def test_an_index_that_is_there_is_left_alone(stage: Stage):
    stage.do(make)
    there = stage.schema()
    stage.statements.clear()

    stage.do(make)

    assert stage.statements == []
    assert stage.schema() == there


def test_an_index_that_is_not_there_is_dropped_without_a_word(stage: Stage):
    before = stage.schema()

    stage.do(drop, drop)

    assert stage.schema() == before


def test_all_that_an_index_can_be_is_kept(stage: Stage):
    stage.do(
        lambda op: op.create_index_online(
            NAME,
            "people",
            [sa.text("lower(name)"), "age"],
            postgresql_where=sa.text("name LIKE 'a%' AND age::text <> 'x'"),
            postgresql_include=["team_id"],
            postgresql_with={"fillfactor": 70},
            sqlite_where=sa.text("name LIKE 'a%'"),
        )
    )

    definition = stage.definition(KEY)
    assert "lower(" in definition
    if stage.is_postgresql:
        assert "INCLUDE (team_id)" in definition
        assert "fillfactor='70'" in definition
        assert "~~ 'a%'" in definition
        assert "age::text <> 'x'" in definition
    else:
        assert definition.endswith("WHERE name LIKE 'a%'")


def test_a_unique_index_refuses_what_is_there_already_from_then_on(stage: Stage):
    stage.do(unique)

    with pytest.raises(sa.exc.IntegrityError), stage.session() as other:
        other.execute(sa.text("INSERT INTO people (day, id, name) VALUES (1, 9, 'ann')"))


def test_a_unique_index_of_rows_that_are_not_leaves_nothing_and_shows_them(stage: Stage):
    before = stage.schema()
    stage.run(
        "INSERT INTO people (day, id, name) VALUES (11, 9, 'cid'), (11, 8, NULL), (11, 7, NULL)"
    )

    sentence = stage.refusal(unique, Failed)

    assert stage.schema() == before
    assert stage.rows(sentence.split("`")[1]) == [(11, "cid", 2)]
    stage.run("DELETE FROM people WHERE id = 9")
    stage.do(unique)
    assert KEY in stage.schema()


@pytest.mark.parametrize(
    "other",
    [
        "CREATE INDEX ix_people_name ON teams (id)",
        "CREATE INDEX ix_people_name ON people (age)",
        "CREATE INDEX ix_people_name ON people (name, age)",
        "CREATE UNIQUE INDEX ix_people_name ON people (day, name)",
    ],
)
def test_another_index_of_the_name_is_not_taken_for_it(stage: Stage, other):
    stage.run(other)
    there = stage.schema()

    sentence = stage.refusal(make, Differs)

    assert "There is an index ix_people_name already" in sentence
    assert stage.schema() == there


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
@pytest.mark.parametrize(
    "other",
    [
        "CREATE INDEX ix_people_name ON people (name) WHERE age > 1",
        "CREATE INDEX ix_people_name ON people (name) INCLUDE (age)",
        "CREATE INDEX ix_people_name ON people USING hash (name)",
    ],
)
def test_an_index_that_differs_in_what_only_postgresql_has_is_not_taken_for_it(stage: Stage, other):
    """On PostgreSQL only: the catalogue of SQLite does not have these."""
    stage.run(other)

    stage.refusal(make, Differs)


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_an_index_of_another_table_is_not_dropped(stage: Stage):
    """On PostgreSQL only: SQLite drops an index by its name alone."""
    stage.run(f"CREATE INDEX {NAME} ON teams (id)")

    stage.refusal(drop, Differs)

    assert f"index {NAME} on teams" in stage.schema()


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_an_invalid_index_is_built_anew(stage: Stage):
    """On PostgreSQL only: SQLite has no INVALID indexes."""
    stage.do(make)
    whole = stage.schema()
    stage.invalidate(NAME)
    assert stage.leftovers() == [(NAME, "people")]
    stage.statements.clear()

    stage.do(make)

    assert stage.schema() == whole
    assert [one.split(" ON ")[0] for one in stage.statements] == [
        f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
        f"CREATE INDEX CONCURRENTLY {NAME}",
    ]


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_the_invalid_part_of_a_partition_is_built_anew(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    stage.do(make)
    whole = stage.schema()
    stage.do(drop)
    stage.run(
        f"CREATE INDEX {NAME} ON ONLY people (name)",
        f"CREATE INDEX people_1_{NAME} ON people_1 (name)",
    )
    stage.invalidate(f"people_1_{NAME}")

    stage.do(make)

    assert stage.schema() == whole
    assert stage.statements.count(f"DROP INDEX CONCURRENTLY IF EXISTS people_1_{NAME}") == 1


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_what_a_killed_build_has_left_on_partitions_is_dropped_too(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    before = stage.schema()
    stage.run(
        f"CREATE INDEX {NAME} ON ONLY people (name)",
        f"CREATE INDEX people_1_{NAME} ON people_1 (name)",
        f"CREATE INDEX people_2_{NAME} ON ONLY people_2 (name)",
        f"CREATE INDEX people_2a_{NAME} ON people_2a (name)",
    )

    stage.do(drop)

    assert stage.schema() == before


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_names_that_must_be_quoted_are(stage: Stage):
    """On PostgreSQL only: SQLAlchemy itself writes every statement for SQLite."""
    stage.run(
        'CREATE SCHEMA "Odd"',
        'CREATE TABLE "Odd"."People" (day INTEGER, "First Name" TEXT) PARTITION BY RANGE (day)',
        'CREATE TABLE "Odd"."P 1" PARTITION OF "Odd"."People" FOR VALUES FROM (0) TO (10)',
    )
    made = {"schema": "Odd"}
    key = 'index "Ix %s" on "Odd"."People"'

    stage.do(lambda op: op.create_index_online("Ix %s", "People", ["First Name"], **made))
    assert '"First Name"' in stage.definition(key)
    stage.do(lambda op: op.drop_index_online("Ix %s", "People", **made))

    assert key not in stage.schema()
