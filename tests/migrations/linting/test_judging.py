"""The rules over what was seen, without a database: where counts decide, and where time may."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agentlogger.migrate.linting.classes import budgets
from agentlogger.migrate.linting.filling import Filled
from agentlogger.migrate.linting.finding import DOWN, UP
from agentlogger.migrate.linting.judging import Seen, judge
from agentlogger.migrate.linting.stage import Tried
from agentlogger.migrate.postgresql import observing
from agentlogger.migrate.trial.observing import Effects, Observed, Spent

EXCLUSIVE = {"logs": "ACCESS EXCLUSIVE"}


def seen(
    sql: str,
    *,
    seconds: float = 0.001,
    executions: int = 1,
    autocommit: bool = False,
    **effects: Any,
) -> Observed:
    """A statement that was executed so often, and what it did each time."""
    made = Observed("aaa111", sql, "", Path("aaa111.py"), 7, 1, autocommit)
    made.seconds = seconds
    made.executions = made.watched = executions
    for _ in range(executions):
        made.seen.add(Effects(**effects))
    return made


def found(tmp_path, *observed: Observed, code: float = 0.0, direction: str = UP) -> dict[str, str]:
    """The rules that say something, with their levels."""
    return {
        one.rule: one.level
        for one in judge(
            Seen(
                Tried(list(observed), Spent(code=code)),
                direction,
                {"logs": Filled(10_000), "agents": Filled(1_000), "teams": Filled(100)},
                budgets(tmp_path, hot=["logs"], small=["teams"]),
                "postgresql",
                observing.stops,
            )
        )
    }


def test_batches_that_are_committed_by_themselves_are_no_update_of_the_whole_table(tmp_path):
    batch = {"written": {"logs": 1_000}}

    batches = seen("UPDATE logs SET n = 1", executions=10, autocommit=True, **batch)
    together = seen("UPDATE logs SET n = 1", executions=10, **batch)
    at_once = seen("UPDATE logs SET n = 1", autocommit=True, written={"logs": 10_000})

    assert found(tmp_path, batches) == {}
    assert found(tmp_path, together) == found(tmp_path, at_once) == {"whole-table-update": "error"}


def test_several_updates_of_one_transaction_count_together(tmp_path):
    first = seen("UPDATE logs SET n = 1 WHERE n < 0", written={"logs": 3_000})
    second = seen("UPDATE logs SET n = 2 WHERE n > 0", written={"logs": 3_000})

    assert found(tmp_path, first) == {}
    assert found(tmp_path, first, second) == {"whole-table-update": "error"}


def test_new_rows_are_locked_for_nobody(tmp_path):
    copied = seen("INSERT INTO agents SELECT * FROM logs", written={"agents": 10_000})

    assert found(tmp_path, copied) == {}


def test_a_lock_is_held_by_what_follows_it_too(tmp_path):
    """Half a second is what a hot table can bear."""
    adding = seen("ALTER TABLE logs ADD n integer", locks=EXCLUSIVE)

    assert found(tmp_path, adding) == {}
    assert found(tmp_path, adding, seen("SELECT pg_sleep(1)", seconds=0.6, locks=EXCLUSIVE)) == {
        "lock-held-long": "error"
    }
    assert found(tmp_path, adding, code=0.6) == {"lock-held-long": "error"}


def test_what_reads_all_of_another_table_takes_longer_with_more_rows(tmp_path):
    adding = seen("ALTER TABLE logs ADD n integer", locks=EXCLUSIVE)
    reading = {"locks": EXCLUSIVE, "read": {"agents": 1_000}}

    assert found(tmp_path, adding, seen("SELECT 1", seconds=0.02, **reading)) == {
        "lock-held-long": "error"
    }
    # So short a time is the statement's and not the rows'.
    assert found(tmp_path, adding, seen("SELECT 1", seconds=0.008, **reading)) == {}


def test_a_small_table_does_not_grow(tmp_path):
    adding = seen("ALTER TABLE logs ADD n integer", locks=EXCLUSIVE)
    reading = seen("SELECT 1", seconds=0.02, locks=EXCLUSIVE, read={"teams": 100})

    assert found(tmp_path, adding, reading) == {}


def test_what_is_told_by_its_counts_is_not_told_by_the_clock_again(tmp_path):
    rewriting = seen(
        "ALTER TABLE logs ALTER n TYPE bigint", seconds=2.0, locks=EXCLUSIVE, rewritten={"logs"},
        read={"logs": 10_000}, indexed={"logs"},
    )  # fmt: skip

    assert found(tmp_path, rewriting) == {"rewrite": "error"}


@pytest.mark.parametrize(("patience", "expected"), [(0.3, {}), (math.inf, 1), (30.0, 1)])
def test_how_long_a_lock_would_be_waited_for_is_bounded(tmp_path, patience, expected):
    adding = seen("ALTER TABLE logs ADD n integer", locks=EXCLUSIVE, patience=patience)

    assert found(tmp_path, adding) == (expected and {"lock-not-bounded": "error"})


def test_tables_that_one_statement_locks_are_one_link_of_a_chain(tmp_path):
    weak = "SHARE UPDATE EXCLUSIVE"
    both = seen("ALTER TABLE logs ADD ...", locks={"logs": "SHARE ROW EXCLUSIVE", "agents": weak})
    several = dict.fromkeys(("logs", "agents", "teams"), "SHARE ROW EXCLUSIVE")
    one = seen("CREATE TABLE spans (...)", locks=several)
    each = [seen(f"ALTER TABLE {name} ADD n", locks={name: "EXCLUSIVE"}) for name in several]

    assert found(tmp_path, both) == found(tmp_path, one) == {}
    assert found(tmp_path, *each[:2]) == {}
    assert found(tmp_path, *each) == {"long-chain": "warning"}


def test_a_downgrade_is_warned_of(tmp_path):
    index = seen("CREATE INDEX i ON logs (n)", locks={"logs": "SHARE"}, indexed={"logs"})

    assert found(tmp_path, index) == {"index-blocks-writes": "error"}
    assert found(tmp_path, index, direction=DOWN) == {"index-blocks-writes": "warning"}


def test_what_failed_and_was_caught_is_no_finding(tmp_path):
    index = seen("CREATE INDEX i ON logs (n)", locks={"logs": "SHARE"}, indexed={"logs"})
    index.error = "no"

    assert found(tmp_path, index) == {}


def test_another_run_takes_away_what_the_machine_has_added():
    slow, fast = seen("SELECT 1", seconds=3.0), seen("SELECT 1", seconds=0.1)
    tried = Tried([slow], Spent(code=2.0))

    tried.take_faster(Tried([fast], Spent(code=0.5)))

    assert (slow.seconds, tried.spent.code) == (0.1, 0.5)
