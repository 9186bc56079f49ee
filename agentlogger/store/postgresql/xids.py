"""The order of arrival on PostgreSQL: transactions' ids, and the snapshots that say which ended.

A snapshot names every transaction that is open on the server, whatever it does and in whatever
database, so that nothing has to wait for one that stays open for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, text

from agentlogger.store.clock import now_ns
from agentlogger.store.positions import Position
from agentlogger.store.postgresql import round_trips

SYSTEM = "agentlogger.system"
"""Where a connection keeps the number of the database system behind it. To read it costs a look
into a file, and a server that was replaced by another ends its connections."""

TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint"
"""A server that is put back to an earlier moment, or takes over from another, begins a new one, and
may give ids once more."""


def announce(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, each with the current transaction's number before it."""
    names = ", ".join(column.name for column in table.columns)
    values = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    round_trips.later(
        connection,
        f"INSERT INTO {table.name} ({names})"  # noqa: S608  (our names)
        f" SELECT {_origin(connection)}, pg_current_xact_id()::text::bigint, new.*"
        f" FROM (VALUES {values}) AS new",
        [value for row in rows for value in row],
    )


def seen(connection: Connection, table: Table) -> Position:
    """What this transaction sees."""
    del table
    origin, snapshot = connection.execute(
        text(f"SELECT {_origin(connection)}, pg_current_snapshot()::text")
    ).one()
    _, upto, still = snapshot.split(":")
    return Position(origin, now_ns(), int(upto), tuple(int(one) for one in still.split(",") if one))


def _origin(connection: Connection) -> str:
    """The history that ids belong to, as an expression: the system's number, and the timeline."""
    system = connection.info.get(SYSTEM)
    if system is None:
        asked = text("SELECT system_identifier & 9223372036854775807 FROM pg_control_system()")
        system = connection.info[SYSTEM] = connection.execute(asked).scalar_one()
    return f"({system}::bigint # {TIMELINE})"
