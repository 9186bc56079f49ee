"""Group commit: what waits together is committed together.

A commit waits for the disk. While one runs, other threads queue; when it is done, one of them takes
all that is queued into the next. A lone one finds no queue and waits for nobody: there is no timer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from agentlogger.errors import DatabaseUnavailable
from agentlogger.limits import (
    GROUP_BYTES,
    GROUP_RECORDS,
    GROUP_RETRY_SECONDS,
    GROUP_WAIT_SECONDS,
    RETRY_AFTER_SECONDS,
)

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")

QUEUED, LEADS, TAKEN, ANSWERED, ALONE = "queued", "leads", "taken", "answered", "alone"


class _Waiter(Generic[Work, Outcome]):
    """A thread that has brought work, and what is to become of it."""

    __slots__ = ("began", "outcome", "records", "size", "state", "turn", "work")

    def __init__(self, work: Work, records: int, size: int) -> None:
        self.work = work
        self.records = records
        self.size = size
        self.began = time.monotonic()
        self.state = QUEUED
        self.outcome: Outcome | None = None
        self.turn = threading.Event()

    def wake(self, state: str) -> None:
        self.state = state
        self.turn.set()


class GroupCommit(Generic[Work, Outcome]):
    """Commits of one database by the threads of this process, in groups.

    `together` commits several works in one transaction and returns their outcomes in their order,
    or raises, and then none is committed. `alone` commits one, and `briefly` does where it need not
    wait for others' locks: it is tried first where others may come to queue behind.
    """

    def __init__(
        self,
        together: Callable[[Sequence[Work]], Sequence[Outcome]],
        alone: Callable[[Work], Outcome],
        briefly: Callable[[Work], Outcome] | None = None,
    ) -> None:
        self._together = together
        self._alone = alone
        self._briefly = briefly
        self._lock = threading.Lock()
        self._queue: deque[_Waiter[Work, Outcome]] = deque()
        self._leader: _Waiter[Work, Outcome] | None = None
        self._led_since = 0.0

    def commit(self, work: Work, *, records: int, size: int) -> Outcome:
        """Commit `work`, of so many records and bytes, alone or with what waits beside it.

        A group that fails harms nobody: each of it is then committed alone, by its own thread.
        Raises what `alone` raises, and DatabaseUnavailable where it took too long: the work may be
        committed all the same if it was under way by then.
        """
        waiter: _Waiter[Work, Outcome] = _Waiter(work, records, size)
        with self._lock:
            self._queue.append(waiter)
            if self._leader is None:
                self._promote()
        try:
            if waiter.state != LEADS and not waiter.turn.wait(GROUP_WAIT_SECONDS):
                self._give_up(waiter)
            if waiter.state == LEADS:
                self._lead(waiter)
        finally:
            if waiter.state in {QUEUED, LEADS}:
                self._leave(waiter)
        if waiter.state == ALONE:
            return self._by_itself(waiter)
        assert waiter.state == ANSWERED  # noqa: S101  (every way out of a group leads here)
        return waiter.outcome  # type: ignore[return-value]  # it is set where the state is

    def _lead(self, leader: _Waiter[Work, Outcome]) -> None:
        """Commit what is queued, the leader's own first, and let the next one lead.

        Whatever stops this thread, also what no `except Exception` sees, nobody waits for it.
        """
        with self._lock:
            group = self._take()
        try:
            if len(group) == 1:
                # Alone is what a failed group would come to anyway.
                leader.outcome = (self._briefly or self._alone)(leader.work)
                leader.state = ANSWERED
                return
            outcomes = self._together([waiter.work for waiter in group])
            for waiter, outcome in zip(group, outcomes, strict=True):
                waiter.outcome = outcome
                waiter.wake(ANSWERED)
        except Exception:
            if len(group) == 1 and self._briefly is None:
                raise
            leader.state = ALONE
        finally:
            for waiter in group[1:]:
                if waiter.state == TAKEN:
                    waiter.wake(ALONE)
            with self._lock:
                if self._leader is leader:
                    self._promote()

    def _take(self) -> list[_Waiter[Work, Outcome]]:
        """The next group: what is queued, in its order, within the bounds; one at least."""
        group: list[_Waiter[Work, Outcome]] = []
        records = size = 0
        while self._queue:
            records += self._queue[0].records
            size += self._queue[0].size
            if group and (records > GROUP_RECORDS or size > GROUP_BYTES):
                break
            waiter = self._queue.popleft()
            waiter.state = TAKEN
            group.append(waiter)
        return group

    def _promote(self) -> None:
        """Let the first in the queue lead. The lock is held."""
        self._leader = self._queue[0] if self._queue else None
        self._led_since = time.monotonic()
        if self._leader is not None:
            self._leader.wake(LEADS)

    def _give_up(self, waiter: _Waiter[Work, Outcome]) -> None:
        """Refuse what has waited for too long, and depose a leader that has hung for as long.

        Does nothing where the answer has come in the last moment. Raises DatabaseUnavailable.
        """
        with self._lock:
            if waiter.turn.is_set():
                return
            if waiter.state == QUEUED:
                self._queue.remove(waiter)
            if time.monotonic() - self._led_since > GROUP_WAIT_SECONDS:
                self._promote()
        raise _too_late()

    def _leave(self, waiter: _Waiter[Work, Outcome]) -> None:
        """Take out a waiter whose thread was stopped while it waited: it must not come to lead."""
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
            if self._leader is waiter:
                self._promote()

    def _by_itself(self, waiter: _Waiter[Work, Outcome]) -> Outcome:
        if time.monotonic() - waiter.began > GROUP_RETRY_SECONDS:
            raise _too_late()
        return self._alone(waiter.work)


def _too_late() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "The database has not answered in time: send the same again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    )
