"""What a sample took says what the whole will take, whatever the machine did meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlogger.migrate.trial.estimating import (
    DEARER,
    Estimate,
    Sampled,
    Tables,
    estimate_spent,
    estimates,
)
from agentlogger.migrate.trial.observing import Effects, Observed, Spent

LIVE = 1_000_000
SMALL, LARGE = 5_000, 100_000


def observed(seconds: float, work: float, *, executions: int = 1, written: int = 0) -> Observed:
    """A statement that has to do with the rows of `parts`."""
    effects = Effects(touched={"parts"}, work=work, written={"parts": written} if written else {})
    return Observed(
        revision="aaa111",
        sql="UPDATE parts",
        parameters="",
        path=Path("aaa111.py"),
        line=1,
        transaction=0,
        is_autocommit=False,
        executions=executions,
        seconds=seconds,
        watched=executions,
        seen=effects,
    )


def tables() -> Tables:
    return Tables(
        {"parts": Sampled(LIVE, is_exact=False, taken=SMALL)},
        {"parts": Sampled(LIVE, is_exact=False, taken=LARGE)},
    )


def estimated(small: Observed | None, large: Observed) -> Estimate:
    (found,) = estimates(None if small is None else [small], [large], tables())
    return found


LARGER = (LIVE / LARGE) ** DEARER
"""By what a row costs more in the whole."""


def test_what_every_execution_costs_once_is_not_multiplied():
    found = estimated(observed(0.012, SMALL), observed(0.107, LARGE))

    assert found.seconds == pytest.approx(0.107 + 0.9 * LARGER, rel=0.01)
    assert found.grows


def test_what_does_no_more_work_with_more_rows_takes_no_longer():
    """Red when seconds are believed without the work: a hiccup would be multiplied by ten."""
    found = estimated(observed(0.001, 40), observed(0.050, 40))

    assert found.seconds == 0.050
    assert not found.grows


def test_a_hiccup_in_the_small_sample_does_not_hide_the_work():
    """Red when all that the small sample took is taken for what an execution costs once."""
    found = estimated(observed(0.090, SMALL), observed(0.100, LARGE))

    assert found.seconds == pytest.approx(LARGER, rel=0.2)


def test_a_loop_that_reads_all_rows_each_time_grows_with_their_square():
    found = estimated(observed(0.1, SMALL**2), observed(40.0, LARGE**2))

    assert found.seconds == pytest.approx(4000 * LARGER**2, rel=0.1)


def test_what_was_never_seen_before_is_taken_as_growing_with_the_rows():
    found = estimated(None, observed(0.1, LARGE))

    assert found.seconds == pytest.approx(LARGER, rel=0.1)


def test_what_was_written_is_counted_for_the_whole():
    found = estimated(
        observed(0.1, SMALL, written=SMALL // 2), observed(2.0, LARGE, written=LARGE // 2)
    )

    assert found.written == LIVE // 2


def test_a_whole_table_leaves_nothing_to_estimate():
    large = observed(0.1, 70, written=70)
    whole = Tables(None, {"parts": Sampled(70, is_exact=True, taken=70)})

    (found,) = estimates(None, [large], whole)

    assert (found.seconds, found.written, found.grows) == (0.1, 70, False)


def test_a_revisions_own_code_and_its_commit_grow_with_its_rows():
    grows = [estimated(observed(0.1, SMALL), observed(2.0, LARGE))]

    found = estimate_spent(Spent(code=0.05, commit=0.01), Spent(1.0, 0.2), grows, tables())

    assert found.code == pytest.approx(10 * LARGER, rel=0.1)
    assert found.commit == pytest.approx(2 * LARGER, rel=0.1)


def test_executions_that_were_not_watched_count_as_those_that_were():
    large = observed(1.0, 400, executions=40, written=20)
    large.watched = 20

    assert large.work == 800
    assert large.rows(large.seen.written) == 40
