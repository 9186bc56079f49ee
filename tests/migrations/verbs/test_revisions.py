"""Verbs in revisions: through both doors, up and down, stopped and finished."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic import op

from agentlogger.migrate import causes
from agentlogger.migrate.ledger import history
from agentlogger.migrate.revisions.recording import dialect_of, record
from agentlogger.migrate.run import running
from agentlogger.migrate.run.running import Run
from tests.migrations.project import Project
from tests.migrations.verbs.frozen import CASES
from tests.migrations.verbs.stage import Stage, is_own

pytestmark = pytest.mark.promise

SQLITE = sa.make_url("sqlite://")

UP = """
op.add_column("people", sa.Column("code", sa.Integer(), server_default="0"))
op.execute("UPDATE people SET age = age + 1")
op.create_index_online("ix_people_name", "people", ["name"])
op.create_unique_online("uq_people_day_name", "people", ["day", "name"])
op.execute("UPDATE people SET code = age")
op.create_foreign_key_online("fk_people_team", "people", "teams", ["team_id"], ["id"])
op.create_check_online("ck_people_age", "people", "age >= 0")
op.set_not_null_online("people", "name")
op.execute("UPDATE people SET age = age + 1")
"""

DOWN = """
op.drop_not_null_online("people", "name")
op.drop_constraint_online("ck_people_age", "people", "check")
op.drop_constraint_online("fk_people_team", "people", "foreignkey")
op.drop_constraint_online("uq_people_day_name", "people", "unique")
op.drop_index_online("ix_people_name", "people")
op.drop_column("people", "code")
"""


@pytest.fixture
def project(stage: Stage, tmp_path) -> Iterator[Project]:
    """A project whose one revision is full of verbs."""
    made = Project(tmp_path / "project", stage.url)
    made.add("aaa111", None, UP, DOWN, phase="online")
    yield made
    made.engine.dispose()


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture
def interrupted(monkeypatch) -> Iterator[list]:
    """Ends a run before the statement of this number, which concerns the stage's tables."""
    left: list[int] = []

    def count(_connection, _cursor, statement: str, *_others) -> None:
        line = " ".join(statement.split())
        if left and is_own(line) and "people" in line and "migration_" not in line:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

    # As a kill would have it: nobody is left to tidy up.
    monkeypatch.setattr(Run, "_forget", lambda _run: None)
    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    yield left
    sa.event.remove(sa.Engine, "before_cursor_execute", count)


def test_a_revision_of_verbs_goes_up_and_down_by_both_doors(project, stage):
    before, rows = stage.schema(), stage.rows("SELECT id, name FROM people ORDER BY id")
    doors = ("alembic", "flask db")

    for up, down in (doors, doors[::-1]):
        outcome = project.door(up, "upgrade", "head")
        assert outcome.code == 0, outcome.err
        assert stage.leftovers() == []
        assert "index ix_people_name on people" in stage.schema()
        outcome = project.door(down, "downgrade", "base")
        assert outcome.code == 0, outcome.err
        kept = {key: value for key, value in stage.schema().items() if "migration" not in key}
        assert kept == before
    assert stage.rows("SELECT id, name FROM people ORDER BY id") == rows


@pytest.mark.parametrize("shape", ["sqlite", "postgresql"], indirect=True)
def test_a_revision_that_is_killed_before_any_statement_is_finished_and_nothing_is_done_twice(
    project, stage, interrupted
):
    """Each verb on partitions is killed in `test_killed`."""
    project.upgrade("head")
    whole = stage.schema()
    ages = stage.rows("SELECT id, age, code FROM people ORDER BY id")
    assert ages[0] == (1, 32, 31)
    project.downgrade("base")

    number, was_killed = 0, True
    while was_killed:
        number += 1
        stage.run("UPDATE people SET age = id * 10 + 20")
        interrupted[:] = [number]
        try:
            project.upgrade("head")
            was_killed = False
        except (Killed, causes.Failed):
            # Failed where Alembic's batch mode has tried to tidy up on the connection that is lost.
            interrupted.clear()
            project.upgrade("head")
        interrupted.clear()
        assert stage.schema() == whole, f"killed before statement {number}"
        assert stage.rows("SELECT id, age, code FROM people ORDER BY id") == ages, number
        project.downgrade("base")
    assert number > 10


@pytest.mark.parametrize("shape", ["postgresql", "partitioned"], indirect=True)
def test_a_verb_that_gets_no_lock_goes_on_where_it_was(project, stage, monkeypatch, capsys):
    """On PostgreSQL only: SQLite has one lock, and waits for it before the revision."""
    seen: list[str] = []

    def note(_connection, _cursor, statement: str, *_others) -> None:
        seen.append(" ".join(statement.split()))

    with stage.session() as other:
        # A foreign key waits for it, and nothing that comes before does.
        other.execute(sa.text("LOCK TABLE teams IN ROW EXCLUSIVE MODE"))
        waits: list[float] = []

        def release(seconds: float) -> None:
            waits.append(seconds)
            other.rollback()

        # Its own name for it only: other threads of this process sleep as well.
        monkeypatch.setattr(
            running, "time", SimpleNamespace(sleep=release, monotonic=time.monotonic)
        )
        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            project.upgrade("head", "lock-timeout=100ms")
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)

    assert len(waits) == 1
    assert "trying again" in capsys.readouterr().err
    builds = [one for one in seen if one.startswith("CREATE INDEX") and "ix_people_name" in one]
    assert len(builds) == len(set(builds)), "an index was built twice"
    assert stage.leftovers() == []
    assert project.heads() == "aaa111"


def test_rows_that_stand_against_a_verb_stop_the_upgrade_until_they_are_corrected(project, stage):
    stage.run("INSERT INTO people VALUES (1, 9, 'ann', 1, 1)")

    outcome = project.door("flask db", "upgrade", "head")
    assert outcome.code == causes.Failed.exit_code
    assert "Constraint uq_people_day_name cannot be made" in outcome.err
    assert "Traceback" not in outcome.err
    assert stage.rows(outcome.err.split("`")[1]) == [(1, "ann", 2)]
    stage.run("DELETE FROM people WHERE id = 9")
    outcome = project.door("alembic", "upgrade", "head")

    assert outcome.code == 0, outcome.err
    assert stage.leftovers() == []
    assert stage.value("SELECT age FROM people WHERE id = 1") == 32


def test_the_history_keeps_the_source_of_the_way_back(project):
    project.upgrade("head")

    with project.engine.connect() as connection:
        (entry,) = history.entries(connection)
    # In parts on PostgreSQL, and with copies of tables on SQLite.
    assert entry.down_sql is None or "COMMIT" in entry.down_sql
    assert "op.drop_index_online" in entry.source


def test_a_script_is_written_for_postgresql_and_refused_for_sqlite(project, stage):
    outcome = project.door("flask db", "upgrade", "head", "--sql")

    if stage.is_postgresql:
        assert outcome.code == 0, outcome.err
        assert "CREATE INDEX CONCURRENTLY ix_people_name ON people (name);" in outcome.out
        assert "VALIDATE CONSTRAINT fk_people_team;" in outcome.out
    else:
        assert outcome.code == causes.Refused.exit_code
        assert "--sql cannot write op.create_unique_online for SQLite" in outcome.err


@pytest.mark.parametrize("shape", ["postgresql"], indirect=True)
def test_a_script_makes_what_an_upgrade_makes(project, stage):
    """On PostgreSQL only: SQLite's verbs write no scripts."""
    script = project.door("alembic", "upgrade", "head", "--sql").out
    project.upgrade("head")
    whole = {key: value for key, value in stage.schema().items() if "migration" not in key}
    project.downgrade("base")

    statements = script.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").split(";\n")
    stage.run(*[one for one in statements if one.strip()])

    assert {k: v for k, v in stage.schema().items() if "migration" not in k} == whole


def test_what_sqlite_copies_for_a_verb_is_known_before_it_is_copied():
    """A copy that would keep a server's writers waiting for long is refused by what is recorded."""
    for verb, (up, _) in CASES.items():
        recorded = record(lambda up=up: up(op), dialect_of(SQLITE))
        others = {"create_index_online": None, "create_enum": None, "backfill": None}
        table = {**others, "add_enum_value": "teams"}.get(verb, "people")
        assert list(recorded.batches) == ([table] if table else [])


def test_the_doors_make_the_verbs_known():
    """A revision imports nothing but `op`."""
    asked = (
        "import agentlogger.migrate.environment, alembic.op;"
        "print(hasattr(alembic.op, 'create_index_online'))"
    )

    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "True"
