"""Turns of the processes that write to one SQLite file.

SQLite's own lock is what keeps writers apart. Who finds it taken sleeps and looks again, for up to
100 ms, while a process with more to write takes it again at once: of two workers under load one
came to write only after seconds (measured). Here the one that waits is the next.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from agentlogger.errors import DatabaseUnavailable
from agentlogger.limits import RETRY_AFTER_SECONDS

SUFFIX = "-turn"
"""Of the empty file beside the database whose first bytes are locked. The database's own file must
not be opened for this: closing it would drop the locks that SQLite has on it."""

NEXT, WRITING = 0, 1
"""Which byte is locked by the process that is the next, and by the one whose turn it is."""

POLL_SECONDS = 0.001
"""How often a waiting process looks: a transaction of 512 records takes about 30 ms. A lock that is
waited for in the kernel could be given up at no deadline."""


@contextmanager
def turn(database: str, deadline: float) -> Iterator[None]:
    """Have this process's turn to write, waited for until `deadline` on the monotonic clock.

    A process that is killed has it no longer. One thread of a process at a time may ask. Raises
    DatabaseUnavailable.
    """
    file = _opened(database)
    if file is None:
        # Such a folder takes no WAL either, or somebody else made the file: SQLite's lock decides.
        yield
        return
    try:
        for place in (NEXT, WRITING):
            _lock(file, place, deadline)
        fcntl.lockf(file, fcntl.LOCK_UN, 1, NEXT)
        yield
    finally:
        os.close(file)  # Which gives back what is locked.


def too_busy() -> DatabaseUnavailable:
    """What a writer is told whose turn does not come in time."""
    return DatabaseUnavailable(
        "The database is busy with others' writes, so nothing was stored: try the same again "
        "in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _opened(database: str) -> int | None:
    try:
        return os.open(f"{database}{SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return None


def _lock(file: int, place: int, deadline: float) -> None:
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError as fault:
            if not isinstance(fault, (BlockingIOError, PermissionError)):
                return  # A file system without locks: SQLite says what it makes of it.
        else:
            return
        if time.monotonic() > deadline:
            raise too_busy()
        time.sleep(POLL_SECONDS)
