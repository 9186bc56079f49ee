"""Time as the stores keep it."""

from __future__ import annotations

import time

DAY_NS = 86_400 * 10**9


def now_ns() -> int:
    """Nanoseconds since 1970, UTC."""
    return time.time_ns()


def day_of(ts_ns: int) -> int:
    """The day a time lies in, counted from 1970-01-01, UTC."""
    return ts_ns // DAY_NS
