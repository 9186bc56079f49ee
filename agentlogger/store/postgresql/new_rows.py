"""Rows whose key nobody may have yet: how PostgreSQL is given them, and says which are new.

ON CONFLICT looks for each key, and then inserts as if another could come between: 5.9 µs of a
processor a row, where COPY takes 2.8 (measured). So many rows are copied, for mostly all of them
are new, and go the other way where one is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from agentlogger.store.postgresql import arrays, round_trips

MANY = 64
"""Of fewer rows, what COPY saves is less than what its round trip takes."""

PROBES = 8
"""Keys that are looked for first. A request that comes again has all of its keys there, and is not
to be copied in vain: it would leave dead rows, and an ERROR in the log of the server."""

SAVEPOINT = "new_rows"


def insert_new(
    connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]
) -> set[tuple[int, bytes]]:
    """Insert the rows whose key is not there yet, in their order; return the keys of those.

    A key is a number and bytes, the first two columns. A key that another transaction is about to
    write is waited for.
    """
    if len(rows) < MANY or not _copied(connection, table, rows):
        return arrays.insert_new(connection, table, rows)
    return {(row[0], row[1]) for row in rows}


def _copied(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether the rows are all inserted; else none is."""
    round_trips.later(connection, f"SAVEPOINT {SAVEPOINT}")
    if _is_any_there(connection, table, rows[:: len(rows) // PROBES]):
        round_trips.later(connection, f"RELEASE SAVEPOINT {SAVEPOINT}")
        return False
    try:
        round_trips.copy(connection, table.name, table.columns.keys(), _text(rows))
        # Now, since what it raises belongs to the savepoint.
        round_trips.flush(connection)
    except IntegrityError:
        # Another has stored one meanwhile, or one that was not looked for was there.
        round_trips.later(connection, f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
        return False
    round_trips.later(connection, f"RELEASE SAVEPOINT {SAVEPOINT}")
    return True


def _is_any_there(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> bool:
    number, name = (column.name for column in table.primary_key.columns)
    project = rows[0][0]
    found = round_trips.fetched(
        connection,
        f"SELECT 1 FROM {table.name} WHERE {number} = %s AND {name} = ANY(%s) LIMIT 1",  # noqa: S608  (our names)
        (project, [row[1] for row in rows if row[0] == project]),
    )
    return bool(found)


def _text(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Rows of numbers, and of bytes in the second place, as COPY reads them.

    By one format for all: half of what a line each costs (measured).
    """
    numbers, names, *others = zip(*rows, strict=True)
    columns = [numbers, [name.hex() for name in names], *others]
    line = "%s\t\\\\x%s" + "\t%s" * len(others) + "\n"
    return (line * len(rows) % tuple(chain.from_iterable(zip(*columns, strict=True)))).encode()
