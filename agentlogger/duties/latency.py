"""How long answers took lately: what a backfill must not make worse."""

from __future__ import annotations

import time
from collections import deque

WINDOW_SECONDS = 30.0
"""What lately means: long enough for a hundredth to be some requests."""

KEPT = 4096
"""Durations kept: of a busier server the last ones stand for all."""


class Latency:
    """The durations of the last requests of this process. Threads may add at the same time."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def add(self, seconds: float) -> None:
        """One answer took this long."""
        self._kept.append((time.monotonic(), seconds))

    def p99_ms(self) -> float | None:
        """What the fastest 99 of 100 took at most, in milliseconds; None without requests."""
        since = time.monotonic() - WINDOW_SECONDS
        lately = sorted(seconds for at, seconds in list(self._kept) if at >= since)
        if not lately:
            return None
        return lately[min(len(lately) - 1, int(len(lately) * 0.99))] * 1000
