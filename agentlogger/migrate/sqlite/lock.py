"""The migrator's lock on SQLite: a file beside the database, locked by the system."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import IO

from sqlalchemy import URL, Connection

from agentlogger.migrate.causes import Unreachable
from agentlogger.migrate.run.lock import Holder
from agentlogger.migrate.sqlite.files import database_file

LOCK_SUFFIX = ".migration-lock"


class FileLock:
    """A lock on a file beside the database; the system gives it back when its process dies.

    The file stays, and holds the name of whoever had the lock last.
    """

    def __init__(self, url: URL, doing: str) -> None:
        self._path = _path_of(url)
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
            raise Unreachable(
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
            raise Unreachable(
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

    def watch(self, working: Connection) -> None:
        """Nothing: see `check`."""

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()


def make_lock(url: URL, doing: str) -> FileLock:
    """The lock file of this database."""
    return FileLock(url, doing)


def holder(url: URL, connection: Connection) -> Holder | None:  # noqa: ARG001  (the protocol's)
    """Who holds that lock now, without waiting; it is taken for an instant where nobody does."""
    path = _path_of(url)
    if not path.exists():
        return None
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return FileLock(url, "").holder()
        except OSError:
            return None
    return None


def _path_of(url: URL) -> Path:
    """Beside the file itself: a link to it, or its URI, is another name of the same database."""
    database = database_file(url) or Path(str(url.database))
    return database.with_name(database.name + LOCK_SUFFIX)
