"""Values of enums are added where they belong, and retired as far as a database can forget."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Failed
from tests.migrations.verbs.stage import ENUMS, Stage

COLUMNS = ["teams.feeling"]


@pytest.fixture(params=["sqlite", "postgresql"])
def shape(request: pytest.FixtureRequest) -> str:
    """Both databases; a partitioned table makes no difference to an enum."""
    return str(request.param)


@pytest.fixture
def stage(stage: Stage, shape: str) -> Stage:
    """A stage where teams have a feeling."""
    stage.run(*ENUMS[shape], "UPDATE teams SET feeling = 'calm'")
    return stage


def labels(stage: Stage) -> list[tuple]:
    """The values that a feeling can have, in their order."""
    if stage.is_postgresql:
        return stage.rows("SELECT unnest(enum_range(NULL::mood))::text")
    (check,) = sa.inspect(stage.reader).get_check_constraints("teams")
    return [(one,) for one in check["sqltext"].split("'")[1::2]]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, ["calm", "wild", "keen"]),
        ({"after": "calm"}, ["calm", "keen", "wild"]),
        ({"before": "calm"}, ["keen", "calm", "wild"]),
    ],
)
def test_a_value_is_added_where_it_belongs_and_can_be_used_at_once(stage: Stage, place, expected):
    rows = stage.rows("SELECT * FROM teams")

    stage.do(
        lambda op: op.add_enum_value("mood", "keen", columns=COLUMNS, **place),
        lambda op: op.execute("INSERT INTO teams VALUES (9, 'keen')"),
    )

    assert labels(stage) == [(one,) for one in expected]
    assert stage.rows("SELECT * FROM teams ORDER BY id") == [*rows, (9, "keen")]


def test_a_value_that_is_there_is_left_alone(stage: Stage):
    before = stage.schema()

    stage.do(lambda op: op.add_enum_value("mood", "wild", before="calm", columns=COLUMNS))

    assert stage.schema() == before


def test_a_value_with_a_quote_is_written_as_one(stage: Stage):
    stage.do(lambda op: op.add_enum_value("mood", "d'or", columns=COLUMNS))

    stage.run("UPDATE teams SET feeling = 'd''or'")
    assert stage.value("SELECT DISTINCT feeling FROM teams") == "d'or"


def test_a_longer_value_has_room(stage: Stage):
    stage.do(lambda op: op.add_enum_value("mood", "indifferent", columns=COLUMNS))

    (column,) = (
        one for one in sa.inspect(stage.reader).get_columns("teams") if one["name"] == "feeling"
    )
    if not stage.is_postgresql:
        assert column["type"].length == len("indifferent")
    stage.run("UPDATE teams SET feeling = 'indifferent'")


def test_a_value_is_retired_as_far_as_the_database_can(stage: Stage):
    before = stage.schema()
    stage.do(lambda op: op.add_enum_value("mood", "indifferent", columns=COLUMNS))
    added = stage.schema()

    stage.do(lambda op: op.retire_enum_value("mood", "indifferent", columns=COLUMNS))
    # PostgreSQL takes no label away.
    assert stage.schema() == (added if stage.is_postgresql else before)
    stage.do(lambda op: op.add_enum_value("mood", "indifferent", columns=COLUMNS))

    assert stage.schema() == added


@pytest.mark.parametrize("shape", ["sqlite"], indirect=True)
def test_rows_that_have_the_value_keep_it_from_being_retired(stage: Stage):
    """On SQLite only: PostgreSQL leaves the label."""
    stage.run("UPDATE teams SET feeling = 'wild' WHERE id = 2")
    before = stage.schema()

    sentence = stage.refusal(
        lambda op: op.retire_enum_value("mood", "wild", columns=COLUMNS), Failed
    )

    assert stage.schema() == before
    assert stage.rows(sentence.split("`")[1]) == [(2, "wild")]


@pytest.mark.parametrize("shape", ["sqlite"], indirect=True)
def test_a_column_without_a_check_takes_every_value_already(stage: Stage):
    """On SQLite only, where an enum is a text."""
    stage.run("ALTER TABLE teams ADD COLUMN free VARCHAR(9)")
    before = stage.schema()

    stage.do(lambda op: op.add_enum_value("mood", "keen", columns=["teams.free"]))

    assert stage.schema() == before


@pytest.mark.parametrize("shape", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["feeling", "teams.nothing"])
def test_a_column_that_is_not_there_is_told(stage: Stage, column):
    """On SQLite only: PostgreSQL does not ask for columns."""
    sentence = stage.refusal(lambda op: op.add_enum_value("mood", "keen", columns=[column]), Failed)

    assert column in sentence
