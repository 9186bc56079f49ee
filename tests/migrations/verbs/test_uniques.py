"""UNIQUE constraints are made from indexes that were built while others wrote."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Differs, Failed
from tests.migrations.verbs.stage import Stage

NAME = "uq_people_day_name"
KEY = f"constraint {NAME} on people"


def make(op) -> None:
    op.create_unique_online(NAME, "people", ["day", "name"])


def drop(op) -> None:
    op.drop_constraint_online(NAME, "people", "unique")


def constraints(stage: Stage) -> list[str | None]:
    """The UNIQUE constraints of the table, as SQLAlchemy reflects them."""
    return [one["name"] for one in sa.inspect(stage.reader).get_unique_constraints("people")]


def test_a_constraint_comes_and_goes_with_rows_in_place(stage: Stage):
    before, rows = stage.schema(), stage.rows()

    stage.do(make)
    assert constraints(stage) == [NAME]
    assert stage.leftovers() == []
    with pytest.raises(sa.exc.IntegrityError), stage.session() as other:
        other.execute(sa.text("INSERT INTO people (day, id, name) VALUES (11, 9, 'cid')"))
    stage.do(drop)

    assert stage.schema() == before
    assert stage.rows() == rows


def test_a_constraint_that_is_there_is_left_alone(stage: Stage):
    stage.do(make)
    there = stage.schema()
    stage.statements.clear()

    stage.do(make)

    assert stage.statements == []
    assert stage.schema() == there


def test_a_constraint_that_is_not_there_is_dropped_without_a_word(stage: Stage):
    before = stage.schema()

    stage.do(drop, drop)

    assert stage.schema() == before


def test_rows_that_are_not_unique_leave_nothing_and_are_shown(stage: Stage):
    before = stage.schema()
    stage.run(
        "INSERT INTO people (day, id, name) VALUES (11, 9, 'cid'), (11, 8, NULL), (11, 7, NULL)"
    )

    sentence = stage.refusal(make, Failed)

    assert stage.schema() == before
    assert stage.rows(sentence.split("`")[1]) == [(11, "cid", 2)]
    stage.run("DELETE FROM people WHERE id = 9")
    stage.do(make)
    assert constraints(stage) == [NAME]


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_what_only_postgresql_has_is_kept(stage: Stage):
    """On PostgreSQL only: SQLite has neither INCLUDE nor DEFERRABLE for UNIQUE."""
    stage.do(
        lambda op: op.create_unique_online(
            NAME,
            "people",
            ["day", "name"],
            deferrable=True,
            initially="DEFERRED",
            postgresql_include=["age"],
        )
    )

    assert stage.definition(KEY) == (
        "UNIQUE (day, name) INCLUDE (age) DEFERRABLE INITIALLY DEFERRED"
    )
    assert stage.leftovers() == []


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_another_constraint_of_the_name_is_not_taken_for_it(stage: Stage):
    """On PostgreSQL only: SQLite's catalogue has no text of its own for a constraint."""
    stage.run(f"ALTER TABLE people ADD CONSTRAINT {NAME} UNIQUE (id)")
    there = stage.schema()

    assert "it is another one (on id)" in stage.refusal(make, Differs)
    assert stage.schema() == there


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_an_index_that_is_whole_is_taken_over(stage: Stage):
    """On PostgreSQL only: SQLite's constraints take over no index."""
    stage.do(lambda op: op.create_index_online(NAME, "people", ["day", "name"], unique=True))
    stage.statements.clear()

    stage.do(make)

    assert stage.statements == [
        f"ALTER TABLE people ADD CONSTRAINT {NAME} UNIQUE USING INDEX {NAME}"
    ]


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_an_invalid_index_is_built_anew_before_it_is_taken_over(stage: Stage):
    """On PostgreSQL only: SQLite has no INVALID indexes."""
    stage.run(f"CREATE UNIQUE INDEX {NAME} ON people (day, name)")
    stage.invalidate(NAME)

    stage.do(make)

    assert constraints(stage) == [NAME]
    assert stage.leftovers() == []


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_an_index_that_was_not_taken_over_is_dropped(stage: Stage):
    """On PostgreSQL only: a killed run leaves nothing on SQLite."""
    before = stage.schema()
    stage.run(f"CREATE UNIQUE INDEX {NAME} ON people (day, name)")

    stage.do(drop)

    assert stage.schema() == before


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_a_constraint_without_the_partition_key_is_refused_before_anything_is_done(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    before = stage.schema()

    sentence = stage.refusal(
        lambda op: op.create_unique_online("uq_people_name", "people", ["name"]), Failed
    )

    assert "must hold day as well" in sentence
    assert stage.schema() == before
    assert stage.statements == []


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_a_table_that_citus_distributes_is_refused_before_anything_is_done(stage: Stage):
    """On PostgreSQL only. Citus itself is in `test_citus`; this is the table by which it tells."""
    stage.run(
        "CREATE TABLE pg_dist_partition (logicalrelid regclass)",
        "INSERT INTO pg_dist_partition VALUES ('people'::regclass)",
    )
    before = stage.schema()

    sentence = stage.refusal(make, Failed)

    assert f"op.create_index_online({NAME!r}, ..., unique=True)" in sentence
    assert stage.schema() == before
