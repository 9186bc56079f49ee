"""Foreign keys are made without a check of rows under a lock that others wait for."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import BrokenReferences, Differs, Failed
from tests.migrations.project import Project
from tests.migrations.verbs.stage import Stage

NAME = "fk_people_team_id_teams"
KEY = f"constraint {NAME} on people"

CHECKED = "validating foreign key constraint"
"""What PostgreSQL says when it looks at the rows."""


def make(op) -> None:
    op.create_foreign_key_online(
        NAME, "people", "teams", ["team_id"], ["id"], ondelete="CASCADE", onupdate="CASCADE"
    )


def drop(op) -> None:
    op.drop_constraint_online(NAME, "people", "foreignkey")


def keys(stage: Stage) -> list[str | None]:
    """The foreign keys of the table, as SQLAlchemy reflects them."""
    return [one["name"] for one in sa.inspect(stage.reader).get_foreign_keys("people")]


def checks(notices: list[str]) -> int:
    """How often PostgreSQL has looked at the rows of a table."""
    return sum(CHECKED in notice for notice in notices)


def test_a_foreign_key_comes_and_goes_with_rows_in_place(stage: Stage):
    before, rows = stage.schema(), stage.rows()

    stage.do(make)
    (found,) = sa.inspect(stage.reader).get_foreign_keys("people")
    assert found["name"] == NAME
    assert found["options"] == {"ondelete": "CASCADE", "onupdate": "CASCADE"}
    assert stage.leftovers() == []
    stage.do(drop)

    assert stage.schema() == before
    assert stage.rows() == rows


def test_a_foreign_key_that_is_there_is_left_alone(stage: Stage):
    stage.do(make)
    there = stage.schema()
    stage.statements.clear()

    stage.do(make)

    assert stage.statements == []
    assert stage.schema() == there


def test_a_foreign_key_that_is_not_there_is_dropped_without_a_word(stage: Stage):
    before = stage.schema()

    stage.do(drop, drop)

    assert stage.schema() == before


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_rows_that_refer_to_nothing_leave_nothing_and_are_shown(stage: Stage):
    """On PostgreSQL only: SQLite checks the rows when the revision ends, see below."""
    before = stage.schema()
    stage.run("INSERT INTO people (day, id, team_id) VALUES (11, 9, 7), (11, 8, NULL)")

    sentence = stage.refusal(make, Failed)

    assert stage.schema() == before
    assert [row[1] for row in stage.rows(sentence.split("`")[1])] == [9]
    stage.run("DELETE FROM people WHERE id = 9")
    stage.do(make)
    assert keys(stage) == [NAME]


@pytest.mark.parametrize("shape", ["sqlite"], indirect=True)
def test_rows_that_refer_to_nothing_are_seen_before_the_revision_ends(stage: Stage, tmp_path):
    """On SQLite only: PostgreSQL's verb has seen them by then."""
    before = stage.schema()
    stage.run("INSERT INTO people (day, id, team_id) VALUES (1, 9, 7)")
    project = Project(tmp_path / "project", stage.url)
    words = f"'{NAME}', 'people', 'teams', ['team_id'], ['id']"
    project.add("aaa111", None, f"op.create_foreign_key_online({words})")

    with pytest.raises(BrokenReferences):
        project.upgrade("head")

    assert stage.schema() == before


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_a_foreign_key_that_was_never_validated_is(stage: Stage):
    """On PostgreSQL only: SQLite has none that is NOT VALID."""
    stage.do(make)
    whole = stage.schema()
    definition = stage.definition(KEY)
    stage.run(
        f"ALTER TABLE people DROP CONSTRAINT {NAME}",
        f"ALTER TABLE people ADD CONSTRAINT {NAME} {definition} NOT VALID",
    )
    assert stage.leftovers() == [(NAME, "people")]
    stage.statements.clear()

    stage.do(make)

    assert stage.schema() == whole
    assert stage.statements == [f"ALTER TABLE people VALIDATE CONSTRAINT {NAME}"]


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_what_partitions_have_is_validated_and_adopted(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    stage.do(make)
    whole, definition = stage.schema(), stage.definition(KEY)
    stage.do(drop)
    stage.run(
        f"ALTER TABLE people_1 ADD CONSTRAINT {NAME} {definition}",
        f"ALTER TABLE people_2a ADD CONSTRAINT {NAME} {definition} NOT VALID",
    )
    stage.statements.clear()

    stage.do(make)

    assert stage.schema() == whole
    assert [one for one in stage.statements if "people_1" in one] == []
    assert stage.statements[0] == f"ALTER TABLE people_2a VALIDATE CONSTRAINT {NAME}"


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_what_a_killed_run_has_left_on_partitions_is_dropped_too(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    before = stage.schema()
    stage.run(
        f"ALTER TABLE people_1 ADD CONSTRAINT {NAME} FOREIGN KEY (team_id) REFERENCES teams (id)",
        (
            f"ALTER TABLE people_2a ADD CONSTRAINT {NAME} FOREIGN KEY (team_id)"
            " REFERENCES teams (id) NOT VALID"
        ),
    )

    stage.do(drop)

    assert stage.schema() == before


@pytest.mark.parametrize("shape", ["partitioned"], indirect=True)
def test_the_table_adopts_what_its_partitions_have_without_a_look_at_rows(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    # One for each partition that has rows, none when the table's own is made.
    assert checks(stage.heard(make)) == 2
    stage.do(drop)
    own = stage.heard(
        lambda op: op.create_foreign_key(NAME, "people", "teams", ["team_id"], ["id"])
    )
    assert checks(own) == 2, "PostgreSQL does not say any more when it looks at rows"


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
@pytest.mark.parametrize(
    "other",
    ["CHECK (age > 0)", "FOREIGN KEY (age) REFERENCES teams (id)", "UNIQUE (day, team_id)"],
)
def test_another_constraint_of_the_name_is_not_taken_for_it(stage: Stage, other):
    """On PostgreSQL only: SQLite's catalogue has no text of its own for a constraint."""
    stage.run("UPDATE people SET age = 1", f"ALTER TABLE people ADD CONSTRAINT {NAME} {other}")
    there = stage.schema()

    assert "it is another one" in stage.refusal(make, Differs)
    assert stage.schema() == there


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_a_partitioned_table_may_be_referred_to(stage: Stage):
    """On PostgreSQL only: SQLite has no partitions."""
    stage.run(
        "CREATE TABLE days (id INTEGER PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (100)",
        "INSERT INTO days SELECT generate_series(0, 20)",
    )
    before = stage.schema()
    words = ("fk_people_day_days", "people", "days", ["day"], ["id"])

    stage.do(lambda op: op.create_foreign_key_online(*words))
    assert stage.definition("constraint fk_people_day_days on people") == (
        "FOREIGN KEY (day) REFERENCES days(id)"
    )
    # PostgreSQL leaves the parts of it that are for the other table's partitions unvalidated.
    assert stage.leftovers() == []
    stage.do(lambda op: op.drop_constraint_online("fk_people_day_days", "people", "foreignkey"))

    assert stage.schema() == before
