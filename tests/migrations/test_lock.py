"""One migrator at a time: many may start at once, one does the work, nobody hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Locked
from agentlogger.migrate.run.lock import held
from agentlogger.migrate.task import DIALECTS
from tests import nursery
from tests.migrations.checkout import BIN, DOORS
from tests.newest_revision import HEAD, revisions_after

HOLD = """
import sys, time
from sqlalchemy import make_url
from agentlogger.migrate.task import DIALECTS
url = make_url(sys.argv[1])
lock = DIALECTS[url.get_backend_name()].make_lock(url, "a test that holds on")
assert lock.try_to_take()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(checkout):
    """Another process that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, checkout.url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def surroundings(checkout) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(checkout.folder),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "DATABASE_URL": checkout.url,
        "AGENTLOGGER_INSTANCE": str(checkout.folder / "instance"),
        "SECRET_KEY": "a key of the tests",
    }


def start(checkout, door: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DOORS[door], *words],
        cwd=checkout.folder,
        env=surroundings(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def race(checkout, runners: int) -> list[str]:
    """Start many upgrades at once by mixed doors; return what those that did work have printed.

    They are forks, which come to the lock within milliseconds of each other.
    """
    started = []
    for number in range(runners):
        log = checkout.folder / f"upgrade-{number}.log"
        log.touch()
        words = [*DOORS[list(DOORS)[number % 2]], "upgrade", "head"]
        process = nursery.start(
            words,
            cwd=str(checkout.folder),
            environment=surroundings(checkout),
            log=log,
            loaded=nursery.LIBRARIES,
        )
        started.append((process, log))
    worked = []
    for process, log in started:
        code = process.wait(180)
        said = log.read_text()
        assert code == 0, said
        if "Running upgrade" in said:
            worked.append(said)
    return worked


@pytest.mark.long_on("sqlite")
def test_of_eight_upgrades_at_once_all_end_well_and_one_does_the_work(checkout):
    worked = race(checkout, 8)

    assert len(worked) == 1
    assert worked[0].count("Running upgrade") == revisions_after("base")
    assert checkout.revision() == HEAD


@pytest.mark.promise
def test_of_thirty_two_upgrades_at_once_all_end_well_and_one_does_the_work(checkout):
    assert len(race(checkout, 32)) == 1


def test_who_waits_says_for_whom_and_ends_with_a_code_of_its_own(checkout, door, holder):
    outcome = checkout.run(*DOORS[door][:1], *waiting(door))

    assert outcome.code == Locked.exit_code, outcome.err
    assert f"Waiting for another migration: process {holder.pid} on " in outcome.err
    assert "a test that holds on" in outcome.err
    assert "-x lock-wait=SECONDS" in outcome.err
    assert "Traceback" not in outcome.err
    assert checkout.revision() == ""


def waiting(door: str) -> list[str]:
    """An upgrade that waits half a second: where -x stands differs by door."""
    patience = ["-x", "lock-wait=0.5"]
    return [*patience, "upgrade", "head"] if door == "alembic" else ["db", *patience, "upgrade"]


@pytest.mark.usefixtures("holder")
def test_what_only_reads_never_waits(checkout, door):
    for words in (["current"], ["history"], ["heads"]):
        began = time.monotonic()
        outcome = checkout.door(door, *words)

        assert outcome.code == 0, outcome.err
        assert "Waiting" not in outcome.err
        assert time.monotonic() - began < 20


def test_the_lock_of_a_killed_migrator_is_free(checkout, holder):
    waiter = start(checkout, "alembic", "upgrade", "head")
    time.sleep(1)
    holder.kill()

    _, err = waiter.communicate(timeout=60)

    assert waiter.returncode == 0, err
    assert checkout.revision() == HEAD


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_waiter_does_not_stop_a_concurrent_index_build(database_url):
    """On PostgreSQL only: a waiter inside pg_advisory_lock() deadlocks with it."""
    dialect = DIALECTS["postgresql"]
    waiter = dialect.make_lock(database_url, "waits")
    engine = dialect.make_engine(database_url, writes=True)
    with held(dialect.make_lock(database_url, "builds"), wait_seconds=1):
        assert not waiter.try_to_take()
        assert waiter.holder() is not None
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("SET statement_timeout = '20s'"))
            connection.execute(sa.text("CREATE INDEX CONCURRENTLY ix_users_x ON users (full_name)"))
            valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_users_x'::regclass"
            assert connection.execute(sa.text(valid)).scalar() is True

    assert waiter.try_to_take()
    waiter.release()
    engine.dispose()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_losing_the_locks_connection_is_noticed(database_url):
    """On PostgreSQL only: SQLite's lock is the process's own file."""
    dialect = DIALECTS["postgresql"]
    lock = dialect.make_lock(database_url, "is cut off")
    assert lock.try_to_take()
    lock.check()
    engine = dialect.make_engine(database_url, writes=False)
    with engine.connect() as connection:
        holder = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%is cut off'"
        connection.execute(sa.text(f"SELECT pg_terminate_backend(({holder}))"))
    engine.dispose()

    with pytest.raises(Exception, match="was lost") as lost:
        lock.check()

    assert type(lost.value).__name__ == "LockLost"
    lock.release()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_patience_that_is_no_number_is_a_sentence(checkout):
    """On SQLite only: no database is asked."""
    outcome = checkout.run("alembic", "-x", "lock-wait=long", "upgrade", "head")

    assert "lock-wait is 'long'" in outcome.out + outcome.err
    assert outcome.code != 0
