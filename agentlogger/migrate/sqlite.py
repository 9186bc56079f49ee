"""How SQLite is migrated: all or nothing, and without a cascade.

SQLAlchemy's stock setup leaves half a revision behind after a kill, and a table that batch mode
rebuilds under `foreign_keys=ON` takes the rows of its children with it (both measured).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from agentlogger.migrate.dialect import NameFilter

BUSY_SECONDS = 60
"""How long a migration waits for the writer before it; a server's own writes take milliseconds."""

CONTEXT_ARGUMENTS: Mapping[str, Any] = {"render_as_batch": True, "transactional_ddl": True}


def make_engine(url: URL, *, writes: bool) -> Engine:
    """An engine whose transactions are real ones, for DDL too.

    A writer says BEGIN IMMEDIATE: the lock is then held before the revision is read, so that of
    two upgrades started at once the second finds nothing left to do.
    """
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=OFF")
        # Before the first table, else it is ignored: retention can then give space back.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def names_of_models(connection: Connection) -> NameFilter:  # noqa: ARG001  (the protocol's)
    """Everything: a SQLite file holds nothing but ours."""
    return lambda _name, _kind, _parents: True


def broken_references(connection: Connection) -> list[str]:
    """Tables with rows whose foreign key points nowhere: the check was off while migrating."""
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return sorted({str(row[0]) for row in rows})
