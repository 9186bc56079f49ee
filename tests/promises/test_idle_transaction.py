"""An application's transaction idles in front of a migration, and no client notices.

What a migration queues for, everybody else queues for behind it: so it may wait a short while only,
and must let the queue pass before it tries again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.engine import URL

from tests.journeys.conftest import written
from tests.journeys.serving import Server, serving
from tests.promises.clients import (
    clients_of,
    require_all_kept,
    wait_for_an_answer,
    worst_milliseconds,
)
from tests.promises.revisions import add_revision, seal
from tests.promises.running import ended, start
from tests.promises.sessions import session

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
"""On PostgreSQL only: SQLite has no lock that a reader holds against a change of the schema."""

IDLE_SECONDS = 8.0
MOST_MILLISECONDS = 500
TRIES_SECONDS = 20

QUEUED = (
    "SELECT count(*) FROM pg_locks WHERE relation = 'log_records'::regclass"
    " AND mode = 'AccessExclusiveLock' AND NOT granted"
)


@pytest.fixture
def server(empty_database_url: URL, tmp_path) -> Iterator[Server]:
    """A real server, on the database that the copy of the checkout migrates."""
    with serving(written(empty_database_url), tmp_path / "serving") as started:
        yield started


@pytest.fixture
def widened(checkout):
    """A copy of the checkout with one more revision: a column of the busiest table."""
    add_revision(
        checkout,
        "widened01",
        "add a note to each log record",
        'op.add_column("log_records", sa.Column("note", sa.Text(), nullable=True))',
        'op.drop_column("log_records", "note")',
    )
    seal(checkout)
    return checkout


@contextmanager
def idle_transaction(url: URL) -> Iterator[None]:
    """An application's transaction that has read the records and does nothing more."""
    with session(url) as cursor:
        cursor.execute("SELECT count(*) FROM log_records")
        yield


def wait_until_queued(url: URL) -> None:
    """Return when a migration waits for the table."""
    deadline = time.monotonic() + TRIES_SECONDS
    with session(url, autocommit=True) as cursor:
        cursor.execute(QUEUED)
        while cursor.fetchone() == (0,):
            assert time.monotonic() < deadline, "no migration queued for log_records"
            time.sleep(0.005)
            cursor.execute(QUEUED)


@pytest.mark.promise
def test_clients_are_answered_while_a_migration_waits_for_an_idle_transaction(
    server, widened, empty_database_url
):
    """Red when no lock timeout is set: no client is answered until the transaction ends."""
    with clients_of(server, 4) as clients:
        with idle_transaction(empty_database_url):
            migration = start(widened, "alembic", "upgrade", "head")
            wait_until_queued(empty_database_url)
            wait_for_an_answer(clients)
            # Nor was that its only try.
            wait_until_queued(empty_database_url)
            assert migration.poll() is None
        code, said = ended(migration)

        assert code == 0, said
        assert widened.revision() == "widened01"
        require_all_kept(server, clients)


@pytest.mark.promise
def test_behind_eight_idle_seconds_no_client_waits_for_half_a_second(
    server, widened, empty_database_url, capsys
):
    """Red when no lock timeout is set: 6.6 s. The figure is the promise, so it is asserted here."""
    with clients_of(server) as clients:
        began = time.monotonic()
        with idle_transaction(empty_database_url):
            migration = start(widened, "flask db", "upgrade")
            time.sleep(IDLE_SECONDS)
            assert migration.poll() is None
        code, said = ended(migration)
        worst = worst_milliseconds(clients, began)
        answers = sum(len(client.waits) for client in clients)

        assert code == 0, said
        assert widened.revision() == "widened01"
        require_all_kept(server, clients)
    with capsys.disabled():
        print(
            f"\n{answers} requests of {len(clients)} clients: the longest wait was {worst:.0f} ms."
        )
    assert worst < MOST_MILLISECONDS
