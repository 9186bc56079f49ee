"""Questions that must not take long: the database gives up on a statement that does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentlogger.errors import QueryTooSlow

CANCELED = "57014"
"""SQLSTATE of a statement that its timeout has ended."""

INTERRUPTED = "interrupted"
"""What SQLite says of a statement that the progress handler has ended."""

STEPS = 10_000
"""Instructions of SQLite's machine between two looks at the clock: a millisecond or less."""


@contextmanager
def on_postgresql(connection: Connection, seconds: float) -> Iterator[None]:
    """Bound each statement of the rest of the transaction. Raises QueryTooSlow."""
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
    with _told(seconds):
        yield


@contextmanager
def on_sqlite(connection: Connection, seconds: float) -> Iterator[None]:
    """Bound all statements of the block together. Raises QueryTooSlow."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (a checked-out connection has one)
    until = time.monotonic() + seconds
    driver.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)
    try:
        with _told(seconds):
            yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _told(seconds: float) -> Iterator[None]:
    try:
        yield
    except DBAPIError as fault:
        if getattr(fault.orig, "pgcode", None) == CANCELED or str(fault.orig) == INTERRUPTED:
            raise QueryTooSlow(
                f"The database did not answer within {seconds:g} s: ask for less time, or for "
                "fewer records."
            ) from None
        raise
