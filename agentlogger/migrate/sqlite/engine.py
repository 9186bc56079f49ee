"""How a migration is connected to SQLite: each transaction is a real one, for DDL too.

SQLAlchemy's stock setup leaves half a revision behind after a kill, and a table that batch mode
rebuilds under `foreign_keys=ON` takes the rows of its children with it (both measured).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

# Its import is what lets a revision's batches use SQLite's own ALTER TABLE: whoever has a
# connection has that too, though nothing of it is named here.
from agentlogger.migrate.sqlite import native  # noqa: F401  (see above)

CONTEXT_ARGUMENTS: Mapping[str, Any] = {
    "render_as_batch": True,
    "transactional_ddl": True,
    "transaction_per_migration": True,
}

NEEDS_AUTOCOMMIT = False
"""Every statement of a revision can be in its one transaction, so it is."""

BUSY_SECONDS = 60
"""How long a migration waits for the writer before it; a server's own writes take milliseconds."""


def make_engine(url: URL, *, writes: bool, name: str = "") -> Engine:  # noqa: ARG001  (SQLite lists no sessions)
    """An engine whose writing transactions hold SQLite's one write lock from their beginning."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # Outside every transaction, where alone it is heard. `broken_references` checks afterwards.
        connection.execute("PRAGMA foreign_keys=OFF")
        if writes:
            # Before the first table, else it is ignored: retention can then give space back.
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def bound(connection: Connection, *, lock_timeout: float, statement_timeout: float) -> None:
    """Nothing: SQLite has one lock, and waits for it at BEGIN alone."""


def is_passing(fault: BaseException) -> bool:
    """Whether a step that failed with this may succeed when it is tried again."""
    return isinstance(fault, DBAPIError) and "database is locked" in str(fault.orig)


def is_done(connection: Connection, fault: DBAPIError) -> bool:  # noqa: ARG001  (the protocol's)
    """Never: half a revision cannot exist."""
    return False
