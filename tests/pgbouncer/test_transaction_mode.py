"""Through PgBouncer in transaction mode: migrations work, and leave nothing on its connections."""

from __future__ import annotations

import time
from contextlib import ExitStack

import psycopg2
import pytest
from sqlalchemy.engine import URL

from agentlogger.migrate.postgresql.answers import make_lock
from agentlogger.migrate.postgresql.engine import is_pooled
from tests.migrations.checkout import DOORS, Checkout
from tests.pgbouncer.pooler import POOL_SIZE, Pooler
from tests.promises.builds import kill_a_build_and_run_again
from tests.promises.revisions import add_revision, head, seal
from tests.promises.running import ended, on, start
from tests.promises.sessions import session

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
"""On PostgreSQL only: nothing stands in front of a file."""

SETTINGS = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_connection_check_interval": "0",
}
"""What a migration adjusts, and what PostgreSQL has where nobody did."""

OF_THE_POOLER = {
    "application_name", "client_encoding", "DateStyle", "IntervalStyle",
    "standard_conforming_strings", "TimeZone", "search_path",
}  # fmt: skip
"""What PgBouncer itself sets on a connection for each client that it is given to."""


@pytest.fixture
def pooled(checkout: Checkout, pooler: Pooler, empty_database_url: URL) -> Checkout:
    """A copy of the checkout whose database is reached through the pooler."""
    return on(checkout, pooler.url(empty_database_url))


def ask(cursor: psycopg2.extensions.cursor, question: str) -> list[tuple]:
    cursor.execute(question)
    return list(cursor.fetchall())


def clients_of(cursor: psycopg2.extensions.cursor) -> set[int]:
    """The processes that serve the clients of this database now."""
    ask(cursor, "SELECT pg_stat_clear_snapshot()")
    found = ask(
        cursor,
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'client backend'",
    )
    return {pid for (pid,) in found}


def left_behind(pooler: Pooler, url: URL) -> dict[str, str]:
    """The session's settings on all of the pool's connections, and its advisory locks.

    Fails where a connection that is open was not among those asked.
    """
    found: dict[str, str] = {}
    asked = set()
    with ExitStack() as stack:
        # Each stays in its transaction, so that the next is given another connection.
        for _ in range(POOL_SIZE):
            client = stack.enter_context(session(pooler.url(url)))
            asked |= {pid for (pid,) in ask(client, "SELECT pg_backend_pid()")}
            found |= ask(client, "SELECT name, setting FROM pg_settings WHERE source = 'session'")
            # Not every kind of change is marked as the session's.
            for name, usual in SETTINGS.items():
                ((value,),) = ask(client, f"SHOW {name}")
                found |= {} if value == usual else {name: value}
        direct = stack.enter_context(session(url))
        mine = direct.connection.info.backend_pid
        # One that is about to end is still told of for a moment.
        deadline = time.monotonic() + 60
        while (others := clients_of(direct) - {mine}) != asked and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid, key in ask(direct, "SELECT pid, objid FROM pg_locks WHERE locktype = 'advisory'"):
            found |= {f"advisory lock {key}": str(pid)} if pid in asked else {}
    assert others == asked
    return {name: value for name, value in found.items() if name not in OF_THE_POOLER}


def test_a_pooler_is_recognised(pooler, empty_database_url):
    """Red when `is_pooled` compares anything that both ends take from the same place."""
    with session(pooler.url(empty_database_url)) as through:
        assert is_pooled(through.connection)
    with session(empty_database_url) as direct:
        assert not is_pooled(direct.connection)


def test_an_empty_database_is_migrated_and_no_setting_stays(
    pooled, door, pooler, empty_database_url
):
    """Red when the engine says SET where a pooler stands between, instead of SET LOCAL."""
    outcome = pooled.door(door, "upgrade", "head")

    assert outcome.code == 0, outcome.err
    assert pooled.revision() == head(pooled)
    assert left_behind(pooler, empty_database_url) == {}


def test_of_four_upgrades_at_once_all_end_well_and_one_does_the_work(
    pooled, pooler, empty_database_url
):
    """Red when the lock is a session's: it stays, and whoever is given its connection has it."""
    started = [start(pooled, list(DOORS)[n % 2], "upgrade", "head") for n in range(4)]
    outcomes = [ended(process) for process in started]

    assert [code for code, _ in outcomes] == [0] * 4, outcomes
    assert sum("Running upgrade" in said for _, said in outcomes) == 1
    assert pooled.revision() == head(pooled)
    assert left_behind(pooler, empty_database_url) == {}


def test_a_concurrent_index_is_built_and_no_setting_stays(pooled, pooler, empty_database_url):
    """Red when the autocommit block sets its lock timeout, which LOCAL cannot, on the session."""
    add_revision(
        pooled,
        "concurrent01",
        "build an index of users' full names while the server works",
        """
        with op.get_context().autocommit_block():
            op.create_index(
                "ix_users_full_name", "users", ["full_name"], postgresql_concurrently=True
            )
        """,
        phase="online",
    )
    seal(pooled)

    outcome = pooled.door("alembic", "upgrade", "head")

    assert outcome.code == 0, outcome.err
    assert pooled.revision() == "concurrent01"
    with session(empty_database_url) as direct:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_users_full_name'::regclass"
        assert ask(direct, valid) == [(True,)]
    assert left_behind(pooler, empty_database_url) == {}


def test_what_reads_leaves_no_setting_and_does_not_wait(pooled, pooler, empty_database_url):
    """Red when a command that only reads asks for the lock."""
    lock = make_lock(pooler.url(empty_database_url), "a test that holds on")
    assert lock.try_to_take()

    for command in ("current", "history", "heads"):
        outcome = pooled.door("flask db", command)
        assert outcome.code == 0, outcome.err
        assert "Waiting" not in outcome.err

    lock.release()
    assert left_behind(pooler, empty_database_url) == {}


def test_an_index_build_whose_client_was_killed_is_finished_by_the_next(
    pooled, pooler, empty_database_url
):
    """Red when the next run does not wait for a build that nobody waits for any more.

    The pooler tells nobody's death to a server process that is at work, and no setting may stay
    that would make it ask: so the build goes on while the next run comes.
    """
    kill_a_build_and_run_again(pooled, empty_database_url)

    assert left_behind(pooler, empty_database_url) == {}
