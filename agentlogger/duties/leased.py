"""Work that one of all workers does, for as long as it holds the lease of that work."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from agentlogger.errors import Refusal
from agentlogger.store import leases
from agentlogger.store.leases import LeaseLost, Taken
from agentlogger.store.scope import OperatorScope

logger = logging.getLogger(__name__)

WORKS = OperatorScope("a worker does what one of all workers does")

LEASE_SECONDS = 15.0
"""How long nobody else does the work of a worker that was killed. Far longer than a pause of the
garbage collector or a slow commit, so that the work does not change hands for those."""

LOOK_SECONDS = 5.0
"""How often the others look whether the lease is free: a read each."""

LONGEST_END_SECONDS = 5.0
"""A database that hangs must not keep a worker from ending."""


class Turn:
    """One worker's turn at a piece of work, and what the work is told of it.

    Work that writes calls `leases.hold(scope, connection, turn.lease)` in the same transaction, so
    that nothing is kept of a worker that has lost its turn without knowing; work that takes long
    calls `keep` between its steps, and ends where `stopped` is set.
    """

    def __init__(self, name: str, *, every_seconds: float) -> None:
        self.stopped = threading.Event()
        """Set when the worker ends: leave the rest to the next."""
        self.seconds = max(LEASE_SECONDS, 3 * every_seconds)
        """How long the lease lasts: it is renewed in time although the work pauses in between."""
        self._name = name
        self._holder = leases.new_holder(WORKS)
        self._taken: Taken | None = None
        self._renewed = 0.0

    @property
    def lease(self) -> Taken:
        """The lease of this turn. Raises LeaseLost where it is over."""
        if self._taken is None:
            raise LeaseLost(f"Another worker has {self._name}.")
        return self._taken

    def take(self) -> bool:
        """Whether the work is this worker's to do; the database is asked once in a while."""
        if self._taken is None or time.monotonic() - self._renewed > self.seconds / 3:
            asked = time.monotonic()
            self._taken = leases.take_or_renew(
                WORKS, self._name, holder=self._holder, seconds=self.seconds
            )
            # As of when it was asked for: an answer that came late has used up some of it.
            self._renewed = asked
        return self._taken is not None

    def keep(self) -> None:
        """Have the lease for longer where it is time for that. Raises LeaseLost."""
        before = self.lease
        # Another token is another turn: somebody may have done the work in between.
        if not self.take() or self.lease != before:
            raise LeaseLost(f"The lease of {self._name} ran out.")

    def give_back(self) -> None:
        """Let the next worker begin at once."""
        taken, self._taken = self._taken, None
        if taken is not None:
            leases.release(WORKS, taken)


class Leased:
    """A thread that does a piece of work each so many seconds, while it holds the work's lease.

    `inside` gives the application's context. What goes wrong is said once, until it goes well again
    or goes wrong in another way: the worker serves on, and the work is tried again.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Turn], None],
        *,
        every_seconds: float,
        inside: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._name = name
        self._work = work
        self._every = every_seconds
        self._inside = inside
        self._turn = Turn(name, every_seconds=every_seconds)
        self._said = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in this process: a thread does not live through a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that it is in, and give the lease back."""
        self._turn.stopped.set()
        self._thread.join(timeout=LONGEST_END_SECONDS)

    def _run(self) -> None:
        # Workers that were started together do not all ask at once.
        pause = self._every * random.SystemRandom().uniform(0.1, 1.0)
        while not self._turn.stopped.wait(pause):
            pause = self._every if self._try(self._do) else max(self._every, LOOK_SECONDS)
        self._try(self._end)

    def _do(self) -> bool:
        mine = self._turn.take()
        if mine:
            self._work(self._turn)
        return mine

    def _end(self) -> bool:
        self._turn.give_back()
        return False

    def _try(self, action: Callable[[], bool]) -> bool:
        """Whether the work was this worker's to do."""
        try:
            with self._inside():
                mine = action()
        except LeaseLost:
            # Nothing went wrong: it was paused for longer than others wait.
            mine = False
        except Exception as fault:  # noqa: BLE001  (whatever it is, the worker serves on)
            self._say(fault)
            return True
        self._said = ""
        return mine

    def _say(self, fault: Exception) -> None:
        sentence = str(fault).strip() or type(fault).__name__
        if sentence != self._said:
            # A refusal says what there is to say; anything else is a mistake of ours.
            told = None if isinstance(fault, Refusal) else fault
            logger.warning("No %s: %s", self._name, sentence, exc_info=told)
        self._said = sentence
