"""Pages of records: of any days each record once, and no day opened that a page is not of."""

from __future__ import annotations

import time
from itertools import product

import orjson
import pytest
from sqlalchemy import event

from agentlogger.intake import batches
from agentlogger.models.database import db
from agentlogger.query.parsing import read
from agentlogger.store import appending, logs, projects
from agentlogger.store.clock import DAY_NS, day_of
from agentlogger.store.logs import LogFilter, Position
from tests.store import building

SCOPE = projects.DEFAULT
NOW = time.time_ns()
TODAY = day_of(NOW) * DAY_NS
ROUND_MIDNIGHT = [
    TODAY + days * DAY_NS + beside for days in (-40, -2, -1, 0, 1, 3) for beside in (-1, 0, 0, 1)
]
"""Times in partitions of their own and among the strays, two of each day's first equal."""


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def store(given: list[dict]) -> None:
    records = batches.from_native(orjson.dumps(given), NOW, lines=False).records
    assert appending.append(SCOPE, records).stored == len(given)


def walked(wanted: LogFilter, *, newest_first: bool) -> list[int]:
    """The times of all records that are wanted, by pages of two."""
    times, after = [], None
    while page := logs.page(SCOPE, wanted, after=after, limit=2, newest_first=newest_first):
        times += [row["ts_ns"] for row in page]
        after = Position(page[-1]["ts_ns"], page[-1]["id"])
    return times


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_over_any_days_have_each_record_once_and_in_order(newest_first):
    store([{"ts_ns": ts_ns} for ts_ns in ROUND_MIDNIGHT])
    ends = (None, TODAY - DAY_NS, TODAY, TODAY + 1, NOW + 9 * DAY_NS)

    for least, most in product(ends, ends):
        wanted = LogFilter(from_ns=least, to_ns=most)
        meant = [
            ts_ns
            for ts_ns in sorted(ROUND_MIDNIGHT, reverse=newest_first)
            if (least is None or ts_ns >= least) and (most is None or ts_ns < most)
        ]
        assert walked(wanted, newest_first=newest_first) == meant, (least, most)


@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_value_is_found_once_within_and_behind_the_records_that_are_looked_at_first(
    is_indexed, monkeypatch
):
    monkeypatch.setattr(logs, "LOOKED_AT", 3)
    building.small(monkeypatch)
    store(
        [
            {"ts_ns": ts_ns, "tool": "Often" if place % 3 else "Rare"}
            for place, ts_ns in enumerate(ROUND_MIDNIGHT)
        ]
    )
    if is_indexed:
        building.everything()

    for tool, remainders in (("often", {1, 2}), ("rare", {0}), ("never", set())):
        times = [ts_ns for place, ts_ns in enumerate(ROUND_MIDNIGHT) if place % 3 in remainders]
        wanted = LogFilter(query=read(f"tool:{tool}").tree)
        assert walked(wanted, newest_first=True) == sorted(times, reverse=True)
        wanted = LogFilter(query=read(f"tool:{tool}").tree, to_ns=TODAY)
        older = [ts_ns for ts_ns in times if ts_ns < TODAY]
        assert walked(wanted, newest_first=True) == sorted(older, reverse=True)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_page_of_today_opens_no_other_day_and_walks_it_in_order():
    """On PostgreSQL only: SQLite has no partitions."""
    # More than a page: it ends within the day.
    store([{"ts_ns": TODAY + place, "tool": "Bash"} for place in range(9)])
    store([{"ts_ns": TODAY - DAY_NS, "tool": "Bash"}])
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))

    assert len(logs.page(SCOPE, LogFilter(severity_min=1), after=None, limit=5)) == 5

    ((query, values),) = [one for one in asked if "log_records" in one[0]]
    query = query.rpartition("; ")[2]  # Behind the settings of its transaction.
    with db.engine.connect() as connection:
        # A table of nine rows is read as a whole otherwise.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = list(connection.exec_driver_sql(f"EXPLAIN {query}", values).scalars())
    scans = [line for line in plan if " on log_records_20" in line]
    opened = {line.split(" on ")[1].split()[0] for line in scans}
    yesterday = time.strftime("log_records_%Y%m%d", time.gmtime((TODAY - DAY_NS) // 10**9))
    assert opened
    assert yesterday not in opened
    assert any("Merge Append" in line for line in plan)
