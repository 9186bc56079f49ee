"""What ends a statement of PostgreSQL that takes too long: its own `statement_timeout`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

QUERY_CANCELED = "57014"
"""SQLSTATE of a statement that was ended by its timeout, or by an operator."""


@contextmanager
def bound(connection: Connection, seconds: float) -> Iterator[None]:
    """Bound each statement of the block. The setting is the transaction's, and ends with it."""
    # 0 would be no bound at all.
    milliseconds = max(1, int(seconds * 1_000))
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    yield
    # Not after a fault: it has ended the transaction, and the setting with it.
    connection.exec_driver_sql("SET LOCAL statement_timeout TO DEFAULT")


def ran_out_of_time(fault: DBAPIError) -> bool:
    """Whether PostgreSQL says that it has ended the statement."""
    return getattr(fault.orig, "pgcode", None) == QUERY_CANCELED
