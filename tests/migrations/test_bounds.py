"""What a migration may do to others is bounded on PostgreSQL: it waits for them, and not they."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from agentlogger.migrate import causes
from agentlogger.migrate.options import LOCK_TIMEOUT, Options
from agentlogger.migrate.postgresql import lock as postgresql_lock
from agentlogger.migrate.run.running import Run
from agentlogger.migrate.task import DIALECTS
from tests.migrations.project import Project, emptied

PARTS = """
op.create_table(
    "parts",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.Text()),
    sa.Column("size", sa.Integer()),
)
op.create_table("notes", sa.Column("text", sa.Text()))
op.execute("INSERT INTO parts VALUES (1, 'bolt', 5), (2, 'nut', 7)")
"""
ADD = 'op.add_column("parts", sa.Column("weight", sa.Integer()))'
NOTE = "op.execute(\"INSERT INTO notes SELECT current_setting('{}')\")"

on_postgresql = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """Two parts in a table."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS)
        made.upgrade("head")
        yield made


@contextmanager
def reading(project: Project) -> Iterator[sa.Connection]:
    """A client whose transaction is open, and stands before a change of the table."""
    with project.engine.connect() as connection:
        connection.execute(sa.text("SELECT * FROM parts")).all()
        yield connection


def when(condition: Callable[[], bool], action: Callable[[], None]) -> threading.Thread:
    """Do something as soon as something is so, beside what the test does; for 20 s at most."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                return
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@on_postgresql
def test_a_step_that_gets_no_lock_is_tried_again_until_it_does(project, monkeypatch, capsys):
    """On PostgreSQL only: SQLite has one lock, which a migration takes at its BEGIN."""
    project.add("bbb222", "aaa111", ADD)
    wait, waits = Run._wait, []

    def wait_and_let_go(run: Run, fault, began, _pause) -> None:
        waits.append(str(fault.orig))
        if len(waits) == 2:
            reader.rollback()
        wait(run, fault, began, 0.01)

    monkeypatch.setattr(Run, "_wait", wait_and_let_go)
    with reading(project) as reader:
        project.upgrade("head", "lock-timeout=20ms")

    assert len(waits) == 2
    assert all("lock timeout" in wait for wait in waits)
    assert "Revision bbb222: canceling statement due to lock timeout; trying again." in (
        capsys.readouterr().err
    )
    assert "weight" in project.columns("parts")
    ended = project.rows("SELECT ended_ns IS NOT NULL FROM migration_history")
    assert ended == [True, True]


@on_postgresql
def test_whoever_queues_behind_a_step_waits_no_longer_than_its_timeout(project):
    """On PostgreSQL only, likewise."""
    project.add("bbb222", "aaa111", ADD)
    with reading(project):
        stuck = threading.Thread(target=busy, args=(project, "lock-timeout=100ms", "lock-retry=2s"))
        stuck.start()
        waits = []
        while stuck.is_alive():
            began = time.monotonic()
            project.rows("SELECT count(*) FROM parts")
            waits.append(time.monotonic() - began)
        stuck.join()

    # Again and again for a tenth of a second; without a timeout it would be once, to the end.
    assert len([wait for wait in waits if wait > 0.05]) > 1


VACUUMING = "LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE"
"""What VACUUM does, for as long as a test likes."""

WAITS_GENTLY = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'ShareUpdateExclusiveLock'"


@on_postgresql
@pytest.mark.parametrize(
    "change",
    [
        ADD,
        'op.drop_index("ix_parts_name", "parts")',
        'with op.get_context().autocommit_block():\n    op.drop_column("parts", "size")',
        'op.set_not_null_online("parts", "name")',
    ],
    ids=["column", "index", "outside a transaction", "verb"],
)
def test_nobody_queues_behind_a_step_that_waits_for_a_vacuum(project, change):
    """On PostgreSQL only, likewise."""
    project.run("CREATE INDEX ix_parts_name ON parts (name)")
    project.add("bbb222", "aaa111", change)
    with project.engine.connect() as vacuum:
        vacuum.exec_driver_sql(VACUUMING.format("parts"))
        upgrade = threading.Thread(target=project.upgrade)
        upgrade.start()
        seen = threading.Event()
        when(lambda: bool(project.rows(WAITS_GENTLY)), seen.set).join()
        assert seen.is_set()

        project.run("SET LOCAL lock_timeout = '50ms'", "INSERT INTO parts VALUES (3, 'pin', 9)")

        assert upgrade.is_alive()
        vacuum.rollback()
        upgrade.join(20)
    assert project.heads() == "bbb222"


@on_postgresql
def test_a_vacuum_of_another_table_is_no_reason_to_wait(project):
    """On PostgreSQL only, likewise."""
    project.add("bbb222", "aaa111", ADD)
    with project.engine.connect() as vacuum:
        vacuum.exec_driver_sql(VACUUMING.format("notes"))

        project.upgrade()


def busy(project: Project, *x: str) -> None:
    with pytest.raises(causes.Busy):
        project.upgrade("head", *x)


@on_postgresql
@pytest.mark.parametrize("door", ["alembic", "flask db"])
def test_patience_ends_with_a_sentence_and_leaves_nothing(project, door):
    """On PostgreSQL only, likewise."""
    project.add("bbb222", "aaa111", ADD)
    options = ["-x", "lock-timeout=20ms", "-x", "lock-retry=100ms"]
    with reading(project):
        outcome = project.door(door, *options, "upgrade", "head")

    assert outcome.code == causes.Busy.exit_code, outcome.err
    assert "Traceback" not in outcome.err
    for named in ("bbb222", "lock timeout", "`flask db status`", "-x lock-retry=SECONDS"):
        assert named in outcome.err
    assert project.rows("SELECT revision FROM migration_history") == ["aaa111"]
    assert project.door(door, *options, "upgrade", "head").code == 0


@on_postgresql
def test_a_bound_is_taken_from_what_is_nearest(project):
    """On PostgreSQL only, likewise: -x, then the revision, then the setting, then the default."""
    note = NOTE.format("lock_timeout")
    project.add("bbb222", "aaa111", note, lock_timeout="2s")
    project.add("ccc333", "bbb222", note)
    for x, setting in (("lock-timeout=4s", "3s"), (None, "3s"), (None, "")):
        project.app.config["MIGRATE_LOCK_TIMEOUT"] = setting
        project.upgrade("head", *([x] if x else []))
        project.downgrade("aaa111")

    default = f"{LOCK_TIMEOUT.default * 1000:.0f}ms"
    assert project.rows("SELECT text FROM notes") == ["4s", "4s", "2s", "3s", "2s", default]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300ms", 0.3), ("2s", 2), ("1.5min", 90), ("1h", 3600), ("0", 0), (" 7 ", 7), (0.25, 0.25)],
)
def test_a_time_is_written_with_its_unit_or_in_seconds(text, seconds):
    assert Options([], {"MIGRATE_LOCK_TIMEOUT": text}).number(LOCK_TIMEOUT) == pytest.approx(
        seconds
    )


@pytest.mark.parametrize("text", ["long", "-1", "1 day", "1s2", "."])
def test_a_time_that_is_none_is_told_with_the_name_of_its_setting(text):
    with pytest.raises(causes.BadOption, match="MIGRATE_LOCK_TIMEOUT"):
        Options([], {"MIGRATE_LOCK_TIMEOUT": text}).number(LOCK_TIMEOUT)


def test_a_bound_of_a_revision_that_is_none_names_the_revision(project):
    project.add("bbb222", "aaa111", lock_timeout="long")

    with pytest.raises(causes.BadOption, match="lock_timeout of revision bbb222"):
        project.upgrade("head")

    assert project.rows("SELECT revision FROM migration_history") == ["aaa111"]


@on_postgresql
def test_the_sessions_own_settings_win_over_those_of_the_role(project):
    """On PostgreSQL only, which has them. They hold in a transaction and outside of one."""
    project.run(
        f"ALTER DATABASE {project.url.database} SET statement_timeout = '100ms'",
        f"ALTER DATABASE {project.url.database} SET idle_in_transaction_session_timeout = '100ms'",
    )
    names = ("client_connection_check_interval", "application_name", "statement_timeout")
    notes = "\n".join(NOTE.format(name) for name in names)
    inside = notes.replace("\n", "\n    ")
    sleep = 'op.execute("SELECT pg_sleep(0.2)")\nimport time\ntime.sleep(0.2)'
    block = f"with op.get_context().autocommit_block():\n    {inside}\n"
    project.add("bbb222", "aaa111", f"{notes}\n{sleep}\n{block}    {sleep.splitlines()[0]}")
    try:
        project.upgrade("head")
    finally:
        project.run("SET statement_timeout = 0", f"ALTER DATABASE {project.url.database} RESET ALL")

    assert project.rows("SELECT text FROM notes") == ["1s", "agentlogger-migrate", "0"] * 2


@on_postgresql
@pytest.mark.parametrize("block", ["", "with op.get_context().autocommit_block():\n    "])
def test_a_statement_timeout_that_was_asked_for_holds(project, block):
    """On PostgreSQL only, likewise; in a transaction and outside of one."""
    sleep = f'{block}op.execute("SELECT pg_sleep(30)")'
    project.add("bbb222", "aaa111", sleep, statement_timeout="50ms")

    with pytest.raises(causes.Failed, match="statement timeout"):
        project.upgrade("head")


@on_postgresql
def test_what_takes_no_strong_lock_waits_as_long_as_it_must(project):
    """On PostgreSQL only, likewise: a timeout would leave an INVALID index and protect nobody."""
    dialect = DIALECTS["postgresql"]
    engine = dialect.make_engine(project.url, writes=True)
    setting = "SELECT current_setting('lock_timeout')"
    with engine.connect() as connection:
        dialect.bound(connection, lock_timeout=0.3, statement_timeout=0)
        for _ in range(2):
            found = [
                connection.execute(sa.text(f"{setting} {remark}")).scalar_one()
                for remark in ("", "/* CONCURRENTLY */", "/* VALIDATE CONSTRAINT */", "")
            ]
            assert found == ["300ms", "0", "0", "300ms"]
            connection.rollback()
            connection.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()


@on_postgresql
def test_a_step_ends_when_the_lock_is_lost(project, monkeypatch):
    """On PostgreSQL only: the lock of SQLite is a file of the process."""
    monkeypatch.setattr(postgresql_lock, "WATCH_EVERY_SECONDS", 0.05)
    project.add("bbb222", "aaa111", f'{ADD}\nop.execute("SELECT pg_sleep(20)")')
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND"
    killer = when(
        lambda: bool(project.rows(f"{others} query LIKE 'SELECT pg_sleep%' AND state = 'active'")),
        lambda: project.run(
            f"SELECT pg_terminate_backend(({others} application_name LIKE 'migrate %'))"
        ),
    )
    began = time.monotonic()

    with pytest.raises(causes.LockLost, match="its step was rolled back"):
        project.upgrade("head")

    killer.join()
    assert time.monotonic() - began < 10
    assert project.heads() == "aaa111"
    assert "weight" not in project.columns("parts")
    project.add("bbb222", "aaa111", ADD)
    project.upgrade("head")


@on_postgresql
def test_a_statement_that_outlives_its_killed_migrator_is_waited_for(project):
    """On PostgreSQL only: SQLite's statements die with their process."""
    dialect = DIALECTS["postgresql"]
    engine = dialect.make_engine(project.url, writes=True)
    lock = dialect.make_lock(project.url, "comes second")
    with engine.connect() as orphan:
        orphan.execute(sa.text("LOCK TABLE parts"))
        assert not lock.try_to_take()
        assert "which runs `a statement of a killed run`" in str(lock.holder())

    assert lock.try_to_take()
    lock.release()
    engine.dispose()
