"""How much of a processor a duty takes: half of one that is free, a twentieth of one in demand.

It rests in short waits, and looks how late each of them ends. A wait ends late where another
thread has the interpreter, or another process the processor, at the moment when this one wants it:
the part of the waits that end late is the part of the time in which it would be in the way. That
is seen without work of its own, on every machine, with any number of workers and on either
database, and within a second of its beginning and its end. The time that a step takes by the
clock says less: it is as long where the database is far away. Latencies tell of slow questions as
well as of a busy server, and the queue of a group commit only of a disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_SECONDS = 0.01
"""One wait: some hundred a second, of 30 µs each, while there is something to do at all."""

LATE_SECONDS = 0.002
"""What is later had to wait for another. An interpreter is given up after 5 ms, a timer of an idle
machine is late by 0.1 ms."""

WEIGHT = 1 / 32
"""Of one look in what is known of all: about the last half second counts."""

FREE_SHARE = 0.5
"""Of a processor where nobody else wants it. Another half is left to who comes in the middle."""

BUSY_SHARE = 0.05
"""Of a processor where others always want it: what waits becomes no older without end."""

BUSY = 0.25
"""The part of the looks that come late from which on the server is busy."""


class Pace:
    """The rests of one thread that works in steps.

    `wait` waits for so many seconds, and returns whether to end. The clocks are in seconds.
    """

    def __init__(
        self,
        wait: Callable[[float], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.thread_time,
    ) -> None:
        self._wait, self._clock, self._processor = wait, clock, processor
        self._late = 0.0
        self.begin()

    def begin(self) -> None:
        """A step begins."""
        self._began, self._used = self._clock(), self._processor()

    def share(self) -> float:
        """The part of a processor that may be taken now."""
        return max(BUSY_SHARE, FREE_SHARE + (BUSY_SHARE - FREE_SHARE) * self._late / BUSY)

    def rest(self) -> bool:
        """Rest after a step, and have the next one begin; whether to end instead.

        At least as long as the step took by the clock, so that a database has as much rest.
        """
        rested_from = self._clock()
        took, used = rested_from - self._began, self._processor() - self._used
        while True:
            looked = self._clock()
            if looked - rested_from >= max(took, used / self.share() - used):
                self.begin()
                return False
            if self._wait(LOOK_SECONDS):
                return True
            is_late = self._clock() - looked - LOOK_SECONDS > LATE_SECONDS
            self._late += WEIGHT * (is_late - self._late)
