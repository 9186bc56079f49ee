"""The migrator's lock on PostgreSQL: a transaction's advisory lock, asked for again and again."""

from __future__ import annotations

import os
import re
import socket
import threading
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import LockLost, first_line
from agentlogger.migrate.postgresql.engine import APPLICATION_NAME, TRANSACTION_TIMEOUT_SINCE
from agentlogger.migrate.run.lock import Holder

LOCK_KEY = 4318_0719
"""The advisory lock's number: one for all programs, since an upgrade and the next release's upgrade
must exclude each other. PostgreSQL keeps advisory locks by database."""

LOCK_NAME = "migrate"
APPLICATION_NAME_BYTES = 63
HOLDER_NAME = re.compile(LOCK_NAME + r" (?P<pid>\d+)@(?P<host>\S+) (?P<doing>.+)")

TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=LOCK_KEY)
LOCK_HOLDER = text(
    "SELECT a.pid, host(a.client_addr) AS client_addr, a.application_name,"
    " extract(epoch FROM clock_timestamp() - a.xact_start) AS seconds"
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0"
    " AND l.objid = :key"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(key=LOCK_KEY)

ORPHANS = text(
    "SELECT pid, host(client_addr) AS client_addr,"
    " extract(epoch FROM clock_timestamp() - coalesce(xact_start, query_start)) AS seconds"
    " FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
    " AND state <> 'idle' ORDER BY pid LIMIT 1"
).bindparams(name=APPLICATION_NAME)

WATCH_EVERY_SECONDS = 2.0


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
        self._asking = threading.Lock()
        self._released = threading.Event()
        self._watcher: threading.Thread | None = None
        self._lost: str | None = None

    def try_to_take(self) -> bool:
        """Take the lock if nobody has it; never wait."""
        if self._connection is None:
            self._connection = self._engine.connect()
        taken = bool(self._connection.execute(TRY_LOCK).scalar())
        if taken and self._connection.execute(ORPHANS).first() is None:
            # Waiting for a long migration is what this transaction is for.
            self._connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            version: Any = self._connection.connection.dbapi_connection
            if version.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
                self._connection.execute(text("SET LOCAL transaction_timeout = 0"))
            return True
        # The lock of a killed migrator is free at once, its last statement runs on until the server
        # notices; a concurrent index build and the drop of its remains would deadlock.
        self._connection.rollback()
        return False

    def holder(self) -> Holder | None:
        """Who has it, as far as is known."""
        if self._connection is None:
            self._connection = self._engine.connect()
        found = _holder(self._connection)
        self._connection.rollback()
        return found

    def watch(self, working: Connection) -> None:
        """Stop what runs on the working connection as soon as the lock is lost."""
        raw: Any = working.connection.dbapi_connection

        def ask() -> None:
            while not self._released.wait(WATCH_EVERY_SECONDS):
                if self._is_lost():
                    raw.cancel()
                    return

        self._watcher = threading.Thread(target=ask, name="migration lock", daemon=True)
        self._watcher.start()

    def check(self) -> None:
        """Raise LockLost where the lock was lost."""
        if self._is_lost():
            raise LockLost(
                f"The connection that held the migration's lock was lost ({self._lost}), so the "
                "migration stopped and its step was rolled back: run the same command again."
            )

    def _is_lost(self) -> bool:
        with self._asking:
            if self._lost is None and self._connection is not None:
                try:
                    self._connection.execute(text("SELECT 1"))
                except DBAPIError as fault:
                    self._lost = first_line(fault)
        return self._lost is not None

    def release(self) -> None:
        """Give it back."""
        self._released.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


def make_lock(url: URL, doing: str) -> AdvisoryLock:
    """The advisory lock of this database."""
    return AdvisoryLock(url, doing)


def holder(url: URL, connection: Connection) -> Holder | None:  # noqa: ARG001  (the protocol's)
    """Who holds that lock now, as any session of the database can tell; nothing is waited for."""
    return _holder(connection)


def _holder(connection: Connection) -> Holder | None:
    row = connection.execute(LOCK_HOLDER).first()
    orphan = None if row else connection.execute(ORPHANS).first()
    if orphan is not None:
        seconds = None if orphan.seconds is None else float(orphan.seconds)
        return Holder(orphan.pid, orphan.client_addr, seconds, "a statement of a killed run")
    if row is None:
        return None
    match = HOLDER_NAME.fullmatch(row.application_name or "")
    return Holder(
        pid=int(match["pid"]) if match else row.pid,
        host=match["host"] if match else row.client_addr,
        # Another role's sessions show neither.
        seconds=None if row.seconds is None else float(row.seconds),
        doing=match["doing"] if match else None,
    )
