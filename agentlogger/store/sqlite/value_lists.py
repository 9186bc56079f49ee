"""Many rows in one statement, as a list of values for each: how SQLite is given them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table

from agentlogger.store.sqlite import kept_statements
from agentlogger.store.written import Written

ROWS_INSERTED = (64, 32, 8)
"""Rows of one INSERT, as long as there are so many; then they go one by one. The driver lets other
threads of Python run while a statement does, and these keep their turn for up to 5 ms: with a
statement for each row, the file was locked for as long as others decode."""

# The driver asks each value that is no plain number or text how it is adapted, by two names that it
# lacks, for 0.3 µs, and half of a record's values are None. An answer, in C, takes half of that.
sqlite3.register_adapter(type(None), dict[None, None]().get)
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(bool, int)


def insert_new(
    connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
) -> set[tuple[int, bytes]]:
    """Insert the rows whose key is not there yet; return the keys of those.

    Mostly that is all of them, and then nothing is read. RETURNING would take as long as the insert
    does (measured).
    """
    newest = f"SELECT max(rowid) FROM {table.name}"  # noqa: S608  (our names)
    ((before,),) = kept_statements.fetched(connection, newest)
    columns = table.columns.keys()
    inserted = _insert(connection, table.name, columns, rows, behind=" ON CONFLICT DO NOTHING")
    if inserted == len(rows):
        return {(row[0], row[1]) for row in rows}
    # One writes at a time: what has been added since is ours.
    found = kept_statements.fetched(
        connection,
        f"SELECT {', '.join(columns[:2])} FROM {table.name} WHERE rowid > %s",  # noqa: S608  (our names)
        (before or 0,),
    )
    return {(number, digest) for number, digest in found}


def replace(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows in the place of those with their keys, or add them; JSON comes as text."""
    _insert(connection, table.name, table.columns.keys(), rows, verb="INSERT OR REPLACE")


def insert(connection: Connection, table: str, written: Written) -> None:
    """Insert rows that are written out, many by each statement.

    There are as many statements as senders fill different columns, of up to 0.2 MB each, and the
    driver keeps the last 128.
    """
    _insert(connection, table, written.columns, written.rows)


def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    verb: str = "INSERT",
    behind: str = "",
) -> int:
    """The same; how many rows have changed."""
    changed = 0
    start = 0
    for at_once in ROWS_INSERTED:
        many = _statement(verb, table, columns, at_once) + behind
        while start + at_once <= len(rows):
            values = tuple(chain.from_iterable(rows[start : start + at_once]))
            changed += kept_statements.execute(connection, many, values).rowcount
            start += at_once
    if start < len(rows):
        one = _statement(verb, table, columns, 1) + behind
        changed += kept_statements.execute(connection, one, rows[start:], many=True).rowcount
    return changed


def _statement(verb: str, table: str, columns: Sequence[str], rows: int) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * rows)}"
