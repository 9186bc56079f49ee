"""One migrator at a time: who comes second waits, says for whom, and has a deadline.

The lock is asked for again and again and never waited for inside the database: a session that
waits in `pg_advisory_lock()` holds a snapshot, and the holder's CREATE INDEX CONCURRENTLY waits for
that session in turn (a deadlock, or as a transaction lock a hang that nobody detects; measured).
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from agentlogger.migrate.causes import Locked

FIRST_PAUSE_SECONDS = 0.025
LONGEST_PAUSE_SECONDS = 1.0
SAY_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, as far as the database or the system can tell."""

    pid: int | None
    host: str | None
    seconds: float | None
    doing: str | None

    def __str__(self) -> str:
        who = f"process {self.pid}" if self.pid else "another process"
        where = f" on {self.host}" if self.host else ""
        since = f", for {self.seconds:.0f} s" if self.seconds is not None else ""
        what = f", which runs `{self.doing}`" if self.doing else ""
        return f"{who}{where}{what}{since}"


class Lock(Protocol):
    """A lock of one database, as this database keeps it."""

    def try_to_take(self) -> bool:
        """Take the lock if nobody has it; never wait."""

    def holder(self) -> Holder | None:
        """Who has it, or None where nobody has any more."""

    def watch(self, working: Connection) -> None:
        """Stop what runs on the working connection as soon as the lock is lost."""

    def check(self) -> None:
        """Raise LockLost where the lock was lost since it was taken."""

    def release(self) -> None:
        """Give it back."""


@contextmanager
def held(lock: Lock, *, wait_seconds: float) -> Iterator[None]:
    """Hold a lock for the length of a block. Raises Locked."""
    try:
        _take(lock, time.monotonic() + wait_seconds)
        yield
    finally:
        lock.release()


def _take(lock: Lock, deadline: float) -> None:
    pause, next_word = FIRST_PAUSE_SECONDS, 0.0
    while not lock.try_to_take():
        now = time.monotonic()
        holder = lock.holder()
        if now >= deadline:
            raise Locked(
                f"Another migration is at work ({holder or 'it does not say whose'}) and did not "
                "end in time, so nothing was changed: wait for it and run the same command again, "
                "or give more time with -x lock-wait=SECONDS."
            )
        if holder is not None and now >= next_word:
            _say(f"Waiting for another migration: {holder}.")
            next_word = now + SAY_EVERY_SECONDS
        # Of many that wait, a random one comes next, and not all ask at once.
        time.sleep(pause * random.SystemRandom().uniform(0.5, 1.0))
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201
