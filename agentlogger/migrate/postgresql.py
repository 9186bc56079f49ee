"""How PostgreSQL is migrated."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from typing import Any

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.dialect import NameFilter
from agentlogger.migrate.lock import Holder

CONTEXT_ARGUMENTS: Mapping[str, Any] = {"transaction_per_migration": True}

LOCK_KEY = 4318_0719
"""The advisory lock's number: one for all programs, since an upgrade and the next release's upgrade
must exclude each other. PostgreSQL keeps advisory locks by database."""

LOCK_NAME = "migrate"
APPLICATION_NAME_BYTES = 63
APPLICATION_NAME = re.compile(LOCK_NAME + r" (?P<pid>\d+)@(?P<host>\S+) (?P<doing>.+)")

TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=LOCK_KEY)
LOCK_HOLDER = text(
    "SELECT a.pid, a.client_addr::text, a.application_name,"
    " extract(epoch FROM clock_timestamp() - a.xact_start) AS seconds"
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0"
    " AND l.objid = :key"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(key=LOCK_KEY)

PARTITIONS = text(
    "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relispartition"
)


def make_engine(url: URL, *, writes: bool) -> Engine:
    """An engine whose sessions say in pg_stat_activity what they are."""
    name = "agentlogger-migrate" if writes else "agentlogger-migrate (reading)"
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"application_name": name, "connect_timeout": 10},
    )


class AdvisoryLock:
    """A transaction's advisory lock, on a connection of its own.

    An open transaction keeps its server connection behind any pooler, where a session's lock would
    stay on a connection that the pooler gives to somebody else. The transaction reads nothing, so
    it holds no snapshot that a concurrent index build would wait for.
    """

    def __init__(self, url: URL, doing: str) -> None:
        who = f"{os.getpid()}@{socket.gethostname()}"
        name = f"{LOCK_NAME} {who} {doing}".encode()[:APPLICATION_NAME_BYTES]
        self._engine = create_engine(
            url,
            poolclass=NullPool,
            connect_args={
                "application_name": name.decode(errors="ignore"),
                "connect_timeout": 10,
            },
        )
        self._connection: Connection | None = None

    def try_to_take(self) -> bool:
        """Take the lock if nobody has it; never wait."""
        if self._connection is None:
            self._connection = self._engine.connect()
        taken = bool(self._connection.execute(TRY_LOCK).scalar())
        if taken:
            # Waiting for a long migration is what this transaction is for.
            self._connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        else:
            self._connection.rollback()
        return taken

    def holder(self) -> Holder | None:
        """Who has it, as far as is known."""
        if self._connection is None:
            return None
        row = self._connection.execute(LOCK_HOLDER).first()
        self._connection.rollback()
        if row is None:
            return None
        match = APPLICATION_NAME.fullmatch(row.application_name or "")
        return Holder(
            pid=int(match["pid"]) if match else row.pid,
            host=match["host"] if match else row.client_addr,
            # Another role's sessions show neither.
            seconds=None if row.seconds is None else float(row.seconds),
            doing=match["doing"] if match else None,
        )

    def check(self) -> None:
        """Raise CommandError where the lock was lost."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
        except DBAPIError as fault:
            raise CommandError(
                f"The connection that held the migration's lock was lost ({str(fault.orig).strip()}"
                "), so the migration stopped before its next step: run the same command again."
            ) from None

    def release(self) -> None:
        """Give it back."""
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


def make_lock(url: URL, doing: str) -> AdvisoryLock:
    """The advisory lock of this database."""
    return AdvisoryLock(url, doing)


def names_of_models(connection: Connection) -> NameFilter:
    """Hide partitions: the service makes and drops them, so no model will ever name them.

    Alembic would write `drop_table` for each (alembic#539).
    """
    partitions = {(schema, name) for schema, name in connection.execute(PARTITIONS)}
    default = connection.dialect.default_schema_name

    def include(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
        return kind != "table" or (parents.get("schema_name") or default, name) not in partitions

    return include


def broken_references(connection: Connection) -> list[str]:  # noqa: ARG001  (the protocol's)
    """None: PostgreSQL checks each foreign key by itself."""
    return []
