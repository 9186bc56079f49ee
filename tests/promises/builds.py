"""A concurrent index build that waits for somebody else, and ends by a kill or a deadlock."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from sqlalchemy.engine import URL

from tests.migrations.checkout import Checkout
from tests.promises.revisions import add_revision, seal
from tests.promises.running import ended, start
from tests.promises.sessions import session

SEEN_SECONDS = 60

BUILDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND wait_event_type = 'Lock' AND query ~ 'CONCURRENTLY'"
)
MIGRATORS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name ~ '^migrate .* flask db upgrade'"
)
"""The second run's connection for the lock, by the name that it gives itself."""

VALID = (
    "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relname ~ '^ix_users_full_name'"
)


@contextmanager
def waiting_build(
    checkout: Checkout, direct: URL
) -> Iterator[tuple[subprocess.Popen, psycopg2.extensions.cursor, psycopg2.extensions.cursor]]:
    """A migration whose build waits for a writer: the migration, the writer and an observer.

    `direct` is the address of the copy's database on its server, whatever the copy itself uses.
    """
    checkout.bring("upgrade", "head")
    add_revision(
        checkout,
        "build01",
        "index the full names of users concurrently",
        """
        with op.get_context().autocommit_block():
            op.create_index(
                "ix_users_full_name", "users", ["full_name"], postgresql_concurrently=True
            )
        """,
        phase="online",
    )
    seal(checkout)
    with session(direct, autocommit=True) as observer, session(direct) as one:
        # A build waits for everyone who has a lock to write, until that one's transaction ends.
        one.execute("LOCK TABLE users IN ROW EXCLUSIVE MODE")
        migration = start(checkout, "alembic", "upgrade", "head")
        _wait_for(observer, BUILDS)
        yield migration, one, observer


def kill_a_build_and_run_again(checkout: Checkout, direct: URL) -> None:
    """Kill the client of a build; fail where the next plain run does not end with a valid index."""
    with waiting_build(checkout, direct) as (migration, _, observer):
        migration.kill()
        ended(migration)
        again = start(checkout, "flask db", "upgrade")
        # The lock of the first is free at once; its build may still be at work.
        _wait_for(observer, MIGRATORS)
    require_finished(direct, *ended(again))


def kill_after_a_build_and_run_again(checkout: Checkout, direct: URL) -> None:
    """Kill the client when its build has ended and it has not heard so; fail likewise."""
    with waiting_build(checkout, direct) as (migration, writer, observer):
        migration.send_signal(signal.SIGSTOP)
        writer.connection.rollback()
        _wait_for(observer, f"{VALID} AND i.indisvalid")
        migration.kill()
        ended(migration)
    require_finished(direct, *ended(start(checkout, "flask db", "upgrade")))


def let_a_build_lose_a_deadlock(checkout: Checkout, direct: URL) -> None:
    """Cross a build with a transaction that is more patient; fail where it is not tried again."""
    with waiting_build(checkout, direct) as (migration, writer, _):
        # The build looks for a deadlock when it has waited for a second, and finds this one.
        writer.execute("SET LOCAL deadlock_timeout = '1min'")
        writer.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
    code, said = ended(migration)
    assert "deadlock detected" in said
    require_finished(direct, code, said)


def require_finished(direct: URL, code: int, said: str) -> None:
    """Fail where a run did not end well, or its index is not the only one and valid."""
    assert code == 0, said
    assert "Traceback" not in said
    with session(direct, autocommit=True) as cursor:
        cursor.execute(VALID)
        assert cursor.fetchall() == [("ix_users_full_name", True)]
        cursor.execute("SELECT version_num FROM alembic_version")
        assert cursor.fetchall() == [("build01",)]


def _wait_for(observer: psycopg2.extensions.cursor, question: str) -> None:
    """Return when a question about the server's processes has an answer."""
    deadline = time.monotonic() + SEEN_SECONDS
    observer.execute(question)
    while not observer.fetchall():
        assert time.monotonic() < deadline, f"nothing was seen of: {question}"
        time.sleep(0.02)
        observer.execute(question)
