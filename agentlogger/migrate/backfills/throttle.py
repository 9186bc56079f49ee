"""When a backfill goes slower, and how large its next batch is: decisions without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agentlogger.migrate.options import (
    BACKFILL_LAG,
    BACKFILL_LONG,
    BACKFILL_P99,
    Bound,
    Options,
)

FIRST_ROWS = 1_000
"""A first batch that is short on any machine; the next ones grow to what was asked for."""

LEAST_ROWS = 100
"""Fewer would cost more in commits than in rows."""

MOST_ROWS = 50_000
"""More would be one large transaction again, where rows are quick to look at and slow to write."""

STEP = 2.0
"""By how much a batch grows or shrinks at once: one that was slow by chance is soon forgotten."""

LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Load:
    """What the database and the service bear now."""

    lag_seconds: float | None = None
    """How far the slowest replica is behind; None where there is none, or nobody may ask."""
    transaction_seconds: float | None = None
    """For how long the oldest transaction has kept dead rows from being cleared away."""
    transaction: str = ""
    """Whose it is."""
    p99_ms: float | None = None
    """What the fastest 99 of 100 answers of the slowest program took at most."""


def reason_to_wait(load: Load, bounds: Mapping[Bound, float]) -> str:
    """Why no batch should run now, as a sentence's end; "" where none speaks against it.

    A bound of 0 is none.
    """
    lag, long, p99 = (bounds[one] for one in (BACKFILL_LAG, BACKFILL_LONG, BACKFILL_P99))
    if lag and load.lag_seconds is not None and load.lag_seconds > lag:
        return f"a replica is {load.lag_seconds:.1f} s behind (bound {lag:g} s)"
    if long and load.transaction_seconds is not None and load.transaction_seconds > long:
        return (
            f"a transaction of {load.transaction} has been open for "
            f"{load.transaction_seconds:.0f} s, and dead rows pile up (bound {long:g} s)"
        )
    if p99 and load.p99_ms is not None and load.p99_ms > p99 * 1000:
        return f"the service's own p99 is {load.p99_ms:.0f} ms (bound {p99 * 1000:.0f} ms)"
    return ""


def bounds_of(options: Options) -> dict[Bound, float]:
    """The bounds of this run."""
    return {bound: options.number(bound) for bound in (BACKFILL_LAG, BACKFILL_LONG, BACKFILL_P99)}


def next_rows(rows: int, seconds: float, target: float) -> int:
    """How many rows the next batch looks at, after one of so many that took so long."""
    factor = target / max(seconds, 0.001)
    return max(LEAST_ROWS, min(MOST_ROWS, round(rows * max(1 / STEP, min(STEP, factor)))))


def pause_after(seconds: float, times: float) -> float:
    """How long to leave the database to others after a batch that took so long."""
    return min(LONGEST_PAUSE_SECONDS, seconds * times)
