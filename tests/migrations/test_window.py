"""A program accepts more databases than one, and a contract waits for the last older program."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from agentlogger.duties import heartbeat
from agentlogger.duties.heartbeat import Heartbeat
from agentlogger.errors import DatabaseUnavailable
from agentlogger.migrate import causes
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.history import Entry
from agentlogger.migrate.ledger.window import judge, until_contract
from agentlogger.migrate.revisions.declared import UNDECLARED, Declared
from agentlogger.terminal.serve import place
from tests.conftest import SQLiteDatabases
from tests.migrations.project import Project, emptied
from tests.newest_revision import HEAD

FIRST = Declared("a", (), "create parts", "expand", "yes", None, Path("a.py"), "")


def revision(name: str, parents: tuple[str, ...], phase: str) -> Declared:
    """A revision of a tree."""
    return Declared(name, parents, f"do {name}", phase, "yes", None, Path(f"{name}.py"), "")


def applied(name: str, parents: tuple[str, ...], phase: str, number: int = 1) -> Entry:
    """A row of a history, of a revision that a newer program has applied."""
    return Entry(
        number, name, parents, "up", 1, 2, "2.0", "me", f"do {name}", phase, "yes", "", "", None,
        0, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "acceptable"),
    [
        ("expand", False),
        (UNDECLARED, False),
        ("online", True),
        ("backfill", True),
        ("contract", True),
    ],
)
def test_only_what_a_program_needs_first_must_be_applied(phase, acceptable):
    verdict = judge(State(("a",), (FIRST, revision("b", ("a",), phase)), ()))

    assert verdict.acceptable is acceptable
    assert (verdict.current, verdict.heads) == (("a",), ("b",))
    assert bool(verdict.sentence) is not acceptable
    if not acceptable:
        assert "at revision a and this program needs b" in verdict.sentence
        assert "`flask db upgrade`" in verdict.sentence


@pytest.mark.parametrize(
    ("phase", "acceptable"),
    [
        ("expand", True),
        ("online", True),
        ("backfill", True),
        ("contract", False),
        (UNDECLARED, False),
    ],
)
def test_a_database_may_be_ahead_by_what_takes_nothing_away(phase, acceptable):
    verdict = judge(State(("b",), (FIRST,), (applied("b", ("a",), phase),)))

    assert verdict.acceptable is acceptable
    if not acceptable:
        assert "ahead of this program by b" in verdict.sentence
        assert "`flask db rollback-to-code`" in verdict.sentence


def test_one_contract_among_those_ahead_is_enough():
    history = (applied("b", ("a",), "contract"), applied("c", ("b",), "expand", 2))

    verdict = judge(State(("c",), (FIRST,), history))

    assert "ahead of this program by b," in verdict.sentence


def test_a_revision_without_history_is_not_borne():
    """As when stock Alembic has applied it: nobody knows what it does."""
    assert not judge(State(("b",), (FIRST,), ())).acceptable


def test_an_empty_database_lacks_everything():
    assert (
        "The database is empty and this program needs a" in judge(State((), (FIRST,), ())).sentence
    )


def test_what_is_missing_and_ahead_is_told_with_both_commands():
    tree = (FIRST, revision("b", ("a",), "expand"))

    sentence = judge(State(("c",), tree, (applied("c", ("a",), "expand"),))).sentence

    assert "needs b: run `flask db rollback-to-code`, then `flask db upgrade`" in sentence


def test_what_follows_a_contract_waits_with_it_and_another_branch_does_not():
    contract = revision("b", ("a",), "contract")
    behind, beside = revision("c", ("b",), "expand"), revision("d", ("a",), "expand")
    merge = revision("e", ("c", "d"), "expand")

    before, first = until_contract([FIRST, contract, behind, beside, merge])

    assert (before, first) == ([FIRST, beside], contract)


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """Release 1.0 is applied; 2.0 adds an expand and takes something away after it."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url, version="2.0")
        table = (
            'op.create_table("parts", sa.Column("id", sa.Integer()), sa.Column("old", sa.Text()))'
        )
        made.add("aaa111", None, table, 'op.drop_table("parts")', message="create parts")
        made.upgrade("head")
        add = 'op.add_column("parts", sa.Column("new", sa.Text()))'
        made.add("bbb222", "aaa111", add, message="add part new")
        drop = 'op.drop_column("parts", "old")'
        told = {"phase": "contract", "message": "drop part old", "release": "2.0"}
        back = 'op.add_column("parts", sa.Column("old", sa.Text()))'
        made.add("ccc333", "bbb222", drop, back, **told)
        made.add("ddd444", "ccc333", phase="online", message="index part new")
        yield made


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


def in_phase(project: Project, door: str, phase: str):
    """Upgrade up to a phase, as each door spells it."""
    if door == "alembic":
        return project.door(door, "-x", f"phase={phase}", "upgrade", "head")
    return project.door(door, "upgrade", "--phase", phase)


def beat(project: Project, version: str, *heads: str, **changes: object) -> None:
    """A program of this process says that it is alive."""
    with project.engine.begin() as connection:
        instances.beat(connection, version, heads, None)
        if changes:
            connection.execute(instances.INSTANCES.update().values(**changes))


def test_the_first_phase_stops_before_the_contract_and_names_its_release(project, door):
    outcome = in_phase(project, door, "expand")

    assert outcome.code == 0, outcome.err
    assert project.heads() == "bbb222"
    assert "Stops before the contract ccc333 of release 2.0 (drop part old)" in outcome.err
    assert "`flask db upgrade --phase contract`" in outcome.err
    again = in_phase(project, door, "expand")
    assert (again.code, project.heads()) == (0, "bbb222")


def test_the_second_phase_finishes_the_release(project, door):
    in_phase(project, door, "expand")

    outcome = in_phase(project, door, "contract")

    assert outcome.code == 0, outcome.err
    assert project.heads() == "ddd444"
    assert project.columns("parts") == ["id", "new"]


def test_there_are_two_phases(project, door):
    outcome = in_phase(project, door, "exapnd")

    assert outcome.code == (2 if door == "flask db" else causes.BadOption.exit_code)
    assert "expand" in outcome.err
    assert project.heads() == "aaa111"


@pytest.mark.parametrize(
    "words", ["upgrade head", "upgrade +2", "upgrade ccc333", "-x phase=contract upgrade head"]
)
def test_a_contract_waits_while_an_older_program_is_alive(project, door, words):
    beat(project, "1.0", "aaa111")

    refused = project.door(door, *words.split())

    assert refused.code == causes.OlderAlive.exit_code
    for named in (
        "ccc333 (drop part old)", f"1.0 (process {os.getpid()} on ", "--phase expand",
        "--phase contract", "-x allow-contract=yes",
    ):  # fmt: skip
        assert named in refused.err
    assert project.heads() == "aaa111"
    assert project.columns("parts") == ["id", "old"]
    assert in_phase(project, door, "expand").code == 0
    assert project.heads() == "bbb222"


def test_the_contract_is_applied_when_somebody_says_so(project, door):
    beat(project, "1.0", "aaa111")

    assert project.door(door, "-x", "allow-contract=yes", "upgrade", "head").code == 0
    assert project.heads() == "ddd444"


def test_a_program_that_has_the_contract_is_no_older_one(project):
    for heads in (["ddd444"], ["ccc333"], ["of-a-newer-program"]):
        beat(project, "2.0", *heads)
        project.upgrade("head")
        project.downgrade("bbb222")


def test_an_expand_waits_for_nobody(project):
    beat(project, "1.0", "aaa111")

    project.upgrade("bbb222")

    assert project.heads() == "bbb222"


def test_a_program_that_was_not_seen_for_half_a_minute_is_gone(project):
    long_ago = time.time_ns() - int((instances.EXPIRY_SECONDS + 1) * 10**9)
    beat(project, "1.0", "aaa111", seen_ns=long_ago, host="elsewhere")

    project.upgrade("head")

    assert project.heads() == "ddd444"


def test_a_program_on_another_machine_counts_until_then(project):
    lately = time.time_ns() - int((instances.EXPIRY_SECONDS - 10) * 10**9)
    beat(project, "1.0", "aaa111", seen_ns=lately, host="elsewhere", pid=1)

    with pytest.raises(causes.OlderAlive, match=r"process 1 on elsewhere, seen 2[0-9] s ago"):
        project.upgrade("head")


def test_a_program_whose_process_is_dead_is_gone_at_once(project):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    beat(project, "1.0", "aaa111", pid=ended.pid)

    project.upgrade("head")

    assert project.heads() == "ddd444"


def test_a_server_that_starts_beside_an_older_one_goes_as_far_as_that_bears(project, capsys):
    beat(project, "1.0", "aaa111")

    with project.at_work(), project.app.app_context():
        reached = project.migrations.upgrade()

    assert project.heads() == "bbb222"
    assert "Left for later: Revision ccc333" in capsys.readouterr().err
    assert place(reached) == "bbb222 (2 left for later: `flask db status` shows them)"
    with project.engine.connect() as connection, project.at_work():
        assert project.migrations.verdict(connection).acceptable


def test_a_server_that_starts_alone_goes_to_the_end(project):
    with project.at_work(), project.app.app_context():
        reached = project.migrations.upgrade()

    assert project.heads() == "ddd444"
    assert place(reached) == "ddd444 (the newest)"


def test_one_program_has_one_row_that_it_takes_with_it(project):
    beat(project, "1.0", "aaa111")
    beat(project, "1.0", "aaa111")
    assert project.rows("SELECT version, heads FROM migration_instances") == [("1.0", "aaa111")]

    with project.engine.begin() as connection:
        project.migrations.leave(connection)

    assert project.rows("SELECT count(*) FROM migration_instances") == [0]


def test_a_program_does_not_beat_in_a_database_that_is_not_ours(project):
    project.run("DROP TABLE migration_instances")

    with project.engine.begin() as connection, project.at_work():
        project.migrations.beat(connection, None)
        project.migrations.leave(connection)

    assert not sa.inspect(project.engine).has_table("migration_instances")


def test_the_readiness_probe_follows_the_verdict(app, client):
    """The real program on a database to which a newer one does what it will do."""
    engine = sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=sa.NullPool)
    assert client.get("/readyz").status_code == 200
    newer = f"UPDATE migration_history SET revision = 'newer', parents = '{HEAD}', phase ="  # noqa: S608  (ours)
    for phase, status in (("expand", 200), ("contract", 503)):
        row = f"{newer} '{phase}' WHERE revision IN ('8c40d2b6e713', 'newer')"
        with engine.begin() as connection:
            connection.execute(sa.text(row))
            connection.execute(sa.text("UPDATE alembic_version SET version_num = 'newer'"))
        assert client.get("/readyz").status_code == status
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'b7e3914fd25a'"))
    assert client.get("/readyz").status_code == 503
    engine.dispose()


class Beats:
    """What a heartbeat does, counted."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.count = 0
        self.left = False
        self.fault = fault
        self.again = threading.Semaphore(0)

    def beat(self) -> None:
        self.count += 1
        self.again.release()
        if self.fault is not None:
            raise self.fault

    def leave(self) -> None:
        self.left = True


@pytest.fixture
def fast(monkeypatch):
    """Beats that need no patience."""
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)


@pytest.mark.usefixtures("fast")
def test_a_heartbeat_beats_until_it_is_stopped_and_says_goodbye():
    beats = Beats()
    heart = Heartbeat(beats.beat, beats.leave)
    heart.start()
    assert all(beats.again.acquire(timeout=5) for _ in range(3))
    assert not beats.left

    heart.stop()

    assert beats.left
    assert "heartbeat" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.usefixtures("fast")
def test_a_heartbeat_survives_a_database_that_is_away_and_says_it_once(caplog):
    beats = Beats(DatabaseUnavailable("The database is away.", retry_after=1))
    heart = Heartbeat(beats.beat, beats.leave)
    heart.start()
    assert all(beats.again.acquire(timeout=5) for _ in range(3))

    beats.fault = None
    assert all(beats.again.acquire(timeout=5) for _ in range(3))
    heart.stop()

    assert [record.getMessage() for record in caplog.records] == [
        "No heartbeat: The database is away.", "Heartbeat again."
    ]  # fmt: skip
    assert beats.left
