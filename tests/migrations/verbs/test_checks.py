"""CHECK and NOT NULL are made without a check of rows under a lock that others wait for."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Differs, Failed
from agentlogger.models.database import NAMES
from tests.migrations.verbs.stage import Stage

NAME = "ck_people_age"
KEY = f"constraint {NAME} on people"
PROOF = "people_name_is_not_null"
"""The CHECK by which `name` is made NOT NULL."""


def make(op) -> None:
    op.create_check_online(op.f(NAME), "people", "age >= 0 AND name <> '50%'")


def drop(op) -> None:
    op.drop_constraint_online(op.f(NAME), "people", "check")


def require(op) -> None:
    op.set_not_null_online("people", "name")


def release(op) -> None:
    op.drop_not_null_online("people", "name")


def checks(stage: Stage) -> list[str | None]:
    """The CHECKs of the table, as SQLAlchemy reflects them."""
    return [one["name"] for one in sa.inspect(stage.reader).get_check_constraints("people")]


def is_required(stage: Stage) -> bool:
    """Whether the column may not be empty, as SQLAlchemy reflects it."""
    columns = sa.inspect(stage.reader).get_columns("people")
    return any(one["name"] == "name" and not one["nullable"] for one in columns)


def test_a_check_comes_and_goes_with_rows_in_place(stage: Stage):
    before, rows = stage.schema(), stage.rows()

    stage.do(make)
    assert checks(stage) == [NAME]
    assert stage.leftovers() == []
    with pytest.raises(sa.exc.IntegrityError), stage.session() as other:
        other.execute(sa.text("INSERT INTO people (day, id, age) VALUES (11, 9, -1)"))
    stage.do(drop)

    assert stage.schema() == before
    assert stage.rows() == rows


def test_a_column_is_required_and_not_any_more_with_rows_in_place(stage: Stage):
    before, rows = stage.schema(), stage.rows()

    stage.do(require)
    assert is_required(stage)
    assert checks(stage) == []
    assert stage.leftovers() == []
    stage.do(release)

    assert stage.schema() == before
    assert stage.rows() == rows


@pytest.mark.parametrize("verb", [make, require])
def test_what_is_there_is_left_alone(stage: Stage, verb):
    stage.do(verb)
    there = stage.schema()
    stage.statements.clear()

    stage.do(verb)

    assert stage.statements == []
    assert stage.schema() == there


@pytest.mark.parametrize("verb", [drop, release])
def test_what_is_not_there_is_dropped_without_a_word(stage: Stage, verb):
    before = stage.schema()

    stage.do(verb, verb)

    assert stage.schema() == before


def test_the_naming_convention_makes_the_name_that_it_makes_of_a_models(stage: Stage):
    metadata = sa.MetaData(naming_convention=NAMES)

    stage.do(lambda op: op.create_check_online("age", "people", "age >= 0"), metadata=metadata)
    assert checks(stage) == [NAME]
    stage.statements.clear()
    stage.do(lambda op: op.create_check_online("age", "people", "age >= 0"), metadata=metadata)
    assert stage.statements == []
    stage.do(lambda op: op.drop_constraint_online("age", "people", "check"), metadata=metadata)

    assert checks(stage) == []


def test_rows_that_do_not_fit_leave_nothing_and_are_shown(stage: Stage):
    before = stage.schema()
    stage.run("INSERT INTO people (day, id, age, name) VALUES (11, 9, -5, 'dan')")

    sentence = stage.refusal(make, Failed)

    assert stage.schema() == before
    assert [row[1] for row in stage.rows(sentence.split("`")[1])] == [9]
    stage.run("DELETE FROM people WHERE id = 9")
    stage.do(make)
    assert checks(stage) == [NAME]


def test_rows_that_are_empty_leave_nothing_and_are_shown(stage: Stage):
    before = stage.schema()
    stage.run("INSERT INTO people (day, id) VALUES (11, 9)")

    sentence = stage.refusal(require, Failed)

    assert stage.schema() == before
    assert [row[1] for row in stage.rows(sentence.split("`")[1])] == [9]
    stage.run("DELETE FROM people WHERE id = 9")
    stage.do(require)
    assert is_required(stage)


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_a_check_that_was_never_validated_is(stage: Stage):
    """On PostgreSQL only: SQLite has none that is NOT VALID."""
    stage.do(make)
    whole = stage.schema()
    stage.do(drop)
    stage.run(
        f"ALTER TABLE people ADD CONSTRAINT {NAME} CHECK (age >= 0 AND name <> '50%') NOT VALID"
    )
    stage.statements.clear()

    stage.do(make)

    assert stage.schema() == whole
    assert all("VALIDATE" in one for one in stage.statements)


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
@pytest.mark.parametrize("validity", ["NOT VALID", ""])
def test_a_column_is_required_by_a_check_that_a_killed_run_has_left(stage: Stage, validity):
    """On PostgreSQL only: a killed run leaves nothing on SQLite."""
    stage.do(require)
    whole = stage.schema()
    stage.do(release)
    stage.run(f"ALTER TABLE people ADD CONSTRAINT {PROOF} CHECK (name IS NOT NULL) {validity}")

    stage.do(require)

    assert stage.schema() == whole


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
@pytest.mark.parametrize("verb", [require, release])
def test_the_check_that_a_killed_run_has_left_is_dropped(stage: Stage, verb):
    """On PostgreSQL only: a killed run leaves nothing on SQLite."""
    stage.do(verb)
    there = stage.schema()
    stage.run(f"ALTER TABLE people ADD CONSTRAINT {PROOF} CHECK (name IS NOT NULL) NOT VALID")

    stage.do(verb)

    assert stage.schema() == there


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_a_column_is_made_not_null_without_a_look_at_rows(stage: Stage):
    """On PostgreSQL only: SQLite copies the table."""
    said = "are sufficient to prove that it does not contain nulls"

    told = [notice for notice in stage.heard(require) if said in notice]

    tables = 4 if stage.is_partitioned else 1
    assert len(told) == tables


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_each_partition_is_validated_by_itself_and_the_table_looks_at_none_again(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    told = stage.heard(make)

    verified = [notice.split('"')[1] for notice in told if "verifying table" in notice]
    assert verified == ["people_1", "people_2a"]
    assert [one.split()[2] for one in stage.statements if "VALIDATE" in one] == [
        "people_1",
        "people_2a",
        "people",
    ]


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_another_constraint_of_the_name_is_not_taken_for_a_check(stage: Stage):
    """On PostgreSQL only: SQLite's catalogue has no text of its own for a constraint."""
    stage.run(f"ALTER TABLE people ADD CONSTRAINT {NAME} UNIQUE (day, age)")
    there = stage.schema()

    assert "it is no CHECK" in stage.refusal(make, Differs)
    assert stage.schema() == there


@pytest.mark.parametrize("shape", ["sqlite"], indirect=True)
def test_what_batch_mode_loses_comes_back_with_the_copy(stage: Stage):
    """On SQLite only: Alembic's batch mode skips what SQLAlchemy does not reflect."""
    stage.run(
        "CREATE INDEX ix_people_lower ON people (lower(name))",
        "CREATE TRIGGER keep AFTER DELETE ON people BEGIN DELETE FROM teams WHERE id = 7; END",
    )
    before = stage.schema()

    stage.do(make, drop, require, release)

    assert stage.schema() == before
