"""Marks of every column of every SQLite table, computed as the rows are read in their order.

The rows come in the order of the primary key, so that a value that has moved to another row shows.
In Python a keyed digest of whole columns costs less than a function that SQLite calls for each
value: five million records of 44 columns are 220 million values.
"""

from __future__ import annotations

import hashlib
import marshal
import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from agentlogger.migrate.rehearsal.states import Mark, TableState
from agentlogger.migrate.sqlite import files

ROWS_AT_ONCE = 2_000
"""Enough that most of the time is spent in C, few enough to fit a processor's cache."""

PLAIN = 2
"""The version of marshal whose output depends on the values alone: later ones write what is shared
between objects."""

HIDDEN_COLUMN = 1
"""What table_xinfo says of a column that only a virtual table's own code knows."""


def marks(
    connection: Connection,
    salt: int,
    before: Mapping[str, TableState],  # noqa: ARG001  (the protocol's: SQLite's rows have no version)
) -> Mapping[str, TableState]:
    """The rows of each table, virtual ones left out: what they hold is in tables of their own."""
    raw: Any = connection.connection.dbapi_connection
    key = salt.to_bytes(8, "big")
    found = {}
    for name in files.tables(raw):
        try:
            found[name] = _state(raw, name, key)
        except sqlite3.OperationalError as fault:
            if "decode" not in str(fault):
                raise
            # Text that is no UTF-8 is kept by SQLite as it came.
            raw.text_factory = lambda value: value.decode("utf-8", "surrogateescape")
            try:
                found[name] = _state(raw, name, key)
            finally:
                raw.text_factory = str
    return found


def _state(raw: sqlite3.Connection, table: str, salt: bytes) -> TableState:
    information = raw.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchall()
    columns = [row[1] for row in information if row[6] != HIDDEN_COLUMN]
    key = tuple(row[1] for row in sorted(information, key=lambda row: row[5]) if row[5])
    if key:
        rows, found = _read(raw, table, columns, key, salt)
        return TableState(rows, key, found)
    # Without a key each column is a bag of values, in an order of its own.
    found, rows = {}, 0
    for column in columns:
        rows, one = _read(raw, table, [column], (column,), salt)
        found |= one
    return TableState(rows, (), found)


def _read(
    raw: sqlite3.Connection, table: str, columns: list[str], order: tuple[str, ...], salt: bytes
) -> tuple[int, dict[str, Mark]]:
    names = ", ".join(map(_quoted, columns))
    by = ", ".join(map(_quoted, order))
    cursor = raw.execute(f"SELECT {names} FROM {_quoted(table)} ORDER BY {by}")  # noqa: S608
    digests = [hashlib.blake2b(digest_size=16, key=salt) for _ in columns]
    filled = [0] * len(columns)
    rows = 0
    while chunk := cursor.fetchmany(ROWS_AT_ONCE):
        rows += len(chunk)
        for place, values in enumerate(zip(*chunk, strict=True)):
            digests[place].update(marshal.dumps(values, PLAIN))
            filled[place] += len(values) - values.count(None)
    return rows, {
        name: Mark(count, int.from_bytes(digest.digest(), "big"))
        for name, count, digest in zip(columns, filled, digests, strict=True)
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def server(connection: Connection) -> str:  # noqa: ARG001  (the protocol's)
    """SQLite with its version: it runs inside this process."""
    return f"SQLite {sqlite3.sqlite_version}"
