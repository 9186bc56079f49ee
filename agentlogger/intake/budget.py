"""Memory that requests may hold together: what does not fit is told to come again, not tried."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Full(Exception):  # noqa: N818  (nothing is in error; there is no room)
    """There is no room for more within the time that one may wait."""


class Budget:
    """So many bytes for all requests of a process at once. Threads may ask at the same time.

    A request that is alone is always given room: one that is larger than all of it would otherwise
    never be served.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """A share of the budget that grows, and is given back at the end."""
        share = Hold(self)
        try:
            yield share
        finally:
            self.give_back(share.size)

    @property
    def held(self) -> int:
        """How much is held now."""
        return self._held

    def take(self, size: int, own: int, *, wait: float) -> None:
        """Take more, for a request that has `own` already. Raises Full after `wait` seconds."""
        until = time.monotonic() + wait
        with self._changed:
            while self._held + size > self.most and self._held > own:
                if not self._changed.wait(until - time.monotonic()) and time.monotonic() >= until:
                    raise Full
            self._held += size

    def give_back(self, size: int) -> None:
        """Let others have it."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()


class Hold:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def grow_to(self, size: int, *, wait: float = 0) -> None:
        """Hold at least so many bytes. Raises Full where there is no room in time."""
        if size > self.size:
            self._budget.take(size - self.size, self.size, wait=wait)
            self.size = size
