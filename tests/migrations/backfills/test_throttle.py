"""How a backfill decides how fast to go."""

from __future__ import annotations

import pytest

from agentlogger.migrate.backfills.throttle import (
    LEAST_ROWS,
    LONGEST_PAUSE_SECONDS,
    MOST_ROWS,
    Load,
    bounds_of,
    next_rows,
    pause_after,
    reason_to_wait,
)
from agentlogger.migrate.options import Options

BUSY = Load(lag_seconds=9, transaction_seconds=70, transaction="process 7 (psql)", p99_ms=800)


def reason(load: Load, *x: str) -> str:
    return reason_to_wait(load, bounds_of(Options(x, {})))


def test_nothing_speaks_against_a_batch_where_nothing_is_known_or_all_is_quiet():
    assert reason(Load()) == ""
    assert reason(Load(lag_seconds=5, transaction_seconds=60, p99_ms=500)) == ""


@pytest.mark.parametrize(
    ("load", "sentence"),
    [
        (Load(lag_seconds=5.1), "a replica is 5.1 s behind (bound 5 s)"),
        (
            Load(transaction_seconds=61, transaction="process 7 (psql)"),
            (
                "a transaction of process 7 (psql) has been open for 61 s, and dead rows pile up "
                "(bound 60 s)"
            ),
        ),
        (Load(p99_ms=501), "the service's own p99 is 501 ms (bound 500 ms)"),
    ],
)
def test_what_speaks_against_a_batch_is_said(load, sentence):
    assert reason(load) == sentence


def test_each_bound_can_be_moved_and_taken_away():
    none = ("backfill-lag=0", "backfill-long=0", "backfill-p99=0")

    assert reason(BUSY, *none) == ""
    assert "replica" in reason(BUSY)
    assert "process 7" in reason(BUSY, "backfill-lag=10")
    assert "p99" in reason(BUSY, "backfill-lag=10", "backfill-long=2min")
    assert reason(BUSY, "backfill-lag=10", "backfill-long=2min", "backfill-p99=1s") == ""


@pytest.mark.parametrize(
    ("rows", "seconds", "wanted"),
    [
        (1_000, 0.2, 1_000),
        (1_000, 0.15, 1_333),
        (1_000, 0.001, 2_000),
        (1_000, 0.0, 2_000),
        (1_000, 0.3, 667),
        (1_000, 9.0, 500),
        (LEAST_ROWS, 9.0, LEAST_ROWS),
        (MOST_ROWS, 0.001, MOST_ROWS),
    ],
)
def test_a_batch_grows_and_shrinks_towards_its_time(rows, seconds, wanted):
    assert next_rows(rows, seconds, target=0.2) == wanted


def test_batches_of_a_steady_table_settle_at_their_time():
    rows, per_row = 1_000, 0.2 / 20_000
    for _ in range(10):
        rows = next_rows(rows, rows * per_row, target=0.2)

    assert rows == 20_000


def test_a_pause_is_as_long_as_its_batch_asks_for_and_no_longer_than_anybody_waits():
    assert pause_after(0.2, 0.5) == pytest.approx(0.1)
    assert pause_after(60.0, 0.5) == LONGEST_PAUSE_SECONDS
    assert pause_after(0.2, 0.0) == 0
