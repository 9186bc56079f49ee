"""How SQLite is migrated: all or nothing, and without a cascade.

SQLAlchemy's stock setup leaves half a revision behind after a kill, and a table that batch mode
rebuilds under `foreign_keys=ON` takes the rows of its children with it (both measured).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from agentlogger.migrate.dialect import NameFilter
from agentlogger.migrate.lock import Holder

BUSY_SECONDS = 60
"""How long a migration waits for the writer before it; a server's own writes take milliseconds."""

LOCK_SUFFIX = ".migration-lock"

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


class FileLock:
    """A lock on a file beside the database; the system gives it back when its process dies.

    The file stays, and holds the name of whoever had the lock last.
    """

    def __init__(self, url: URL, doing: str) -> None:
        self._path = Path(f"{url.database}{LOCK_SUFFIX}")
        self._doing = doing
        self._file: IO[str] | None = None

    def try_to_take(self) -> bool:
        """Take the lock if nobody has it; never wait."""
        if self._file is None:
            self._file = self._opened()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as fault:
            raise CommandError(
                f"The file {self._path} cannot be locked ({fault.strerror}): SQLite needs a disk "
                "of this machine, not one of a network."
            ) from None
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.time(),
            "doing": self._doing,
        }
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(holder))
        self._file.flush()
        return True

    def _opened(self) -> IO[str]:
        try:
            return self._path.open("a+")
        except OSError as fault:
            raise CommandError(
                f"The folder {self._path.parent} of the database cannot be written "
                f"({fault.strerror}): make it, or name another file in DATABASE_URL."
            ) from None

    def holder(self) -> Holder | None:
        """Who has it, as far as is known."""
        try:
            told = json.loads(self._path.read_text())
            return Holder(told["pid"], told["host"], time.time() - told["since"], told["doing"])
        except (OSError, ValueError, KeyError, TypeError):
            # Between taking the lock and saying so.
            return Holder(None, None, None, None)

    def check(self) -> None:
        """Nothing: a file lock is not lost while its process lives."""

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()


def make_lock(url: URL, doing: str) -> FileLock:
    """The lock file of this database."""
    return FileLock(url, doing)


def names_of_models(connection: Connection) -> NameFilter:  # noqa: ARG001  (the protocol's)
    """Everything: a SQLite file holds nothing but ours."""
    return lambda _name, _kind, _parents: True


def broken_references(connection: Connection) -> list[str]:
    """Tables with rows whose foreign key points nowhere: the check was off while migrating."""
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return sorted({str(row[0]) for row in rows})
