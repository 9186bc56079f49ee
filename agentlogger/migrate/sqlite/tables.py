"""What SQLite says of tables, beyond what a reflection shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from agentlogger.migrate.dialect import Leftover

EXACT_UP_TO = 200_000
"""Rows that are counted: a count of more would read the file for seconds."""


def unowned(connection: Connection) -> frozenset[str]:  # noqa: ARG001  (the protocol's)
    """None: SQLite has neither partitions nor extensions with tables."""
    return frozenset()


def broken_references(connection: Connection) -> list[str]:
    """Tables with rows whose foreign key points nowhere: the check was off while migrating."""
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return sorted({str(row[0]) for row in found})


def leftovers(connection: Connection) -> list[Leftover]:  # noqa: ARG001  (the protocol's)
    """None: a transaction of SQLite is all or nothing."""
    return []


def finish_leftover_index(connection: Connection, name: str) -> None:
    """Nothing: there are none."""


def long_transactions(connection: Connection) -> list[dict[str, Any]]:  # noqa: ARG001
    """None: SQLite does not tell of other connections."""
    return []


def rows(connection: Connection, table: str) -> tuple[int, bool]:
    """How many rows a table has, and whether that is exact; large tables are estimated."""
    quoted = connection.dialect.identifier_preparer.quote(table)
    counted = connection.execute(
        text(f"SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {EXACT_UP_TO + 1})")  # noqa: S608
    ).scalar_one()
    if counted <= EXACT_UP_TO:
        return int(counted), True
    return about(connection, table)


def about(connection: Connection, table: str) -> tuple[int, bool]:
    """The same without a count where that can be: the largest rowid, if nothing was deleted.

    A table WITHOUT ROWID is counted whole, however large it is, since nothing else tells.
    """
    quoted = connection.dialect.identifier_preparer.quote(table)
    try:
        # Of its three names the one that no table has for a column of its own.
        largest = connection.execute(text(f"SELECT max(_rowid_) FROM {quoted}")).scalar()  # noqa: S608
    except OperationalError:
        counted = connection.execute(text(f"SELECT count(*) FROM {quoted}")).scalar_one()  # noqa: S608
        return int(counted), True
    return int(largest or 0), False
