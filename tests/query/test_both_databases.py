"""The same text finds the same records on both databases: those that plain Python finds.

Whether they are asked for in a list or followed.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentlogger.intake import batches
from agentlogger.intake.record import Record
from agentlogger.limits import QUERY_DEPTH, QUERY_TERMS
from agentlogger.query.parsing import read
from agentlogger.store import appending, logs, tail
from agentlogger.store.logs import LogFilter, Position
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.tail import Wanted
from tests.query import meaning
from tests.store import building

NOW = time.time_ns()
FOLLOWED = OperatorScope("a test follows")
PROJECTS = itertools.count(10_000)
"""A project for each set of records, so that one database does for all."""


@pytest.fixture(autouse=True)
def inside(app, monkeypatch):
    """Every test here is inside the application, and a few records make a window."""
    building.small(monkeypatch)
    with app.app_context():
        yield


def made(given_records: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[Record]:
    """Records as they are stored, each with its place in the list as its time."""
    found = []
    for place, (sent, columns) in enumerate(given_records):
        body = orjson.dumps(sent | {"ts_ns": NOW + place})
        (record,) = batches.from_native(body, NOW, lines=False).records
        for name, value in columns.items():
            setattr(record, name, value)
        found.append(record)
    return found


def found_by(scope: ProjectScope, query: str) -> set[int]:
    asked = read(query)
    assert asked.hints == ()
    rows = logs.page(scope, LogFilter(query=asked.tree), after=None, limit=1_000)
    return {row["ts_ns"] for row in rows}


def paged(scope: ProjectScope, query: str, *, newest_first: bool) -> list[int]:
    """The same by pages of two, in their order."""
    wanted, found, after = LogFilter(query=read(query).tree), [], None
    while True:
        rows = logs.page(scope, wanted, after=after, limit=2, newest_first=newest_first)
        found += [row["ts_ns"] for row in rows]
        if len(rows) < 2:
            return found
        after = Position(rows[-1]["ts_ns"], rows[-1]["id"])


def both_agree(drawn: list[Any], queries: list[meaning.Asked]) -> None:
    scope = ProjectScope(next(PROJECTS))
    records = made(drawn)
    (begun,) = tail.advance(FOLLOWED, [Wanted(scope, None)], limit=0)
    third = len(records) // 3
    # Some are in windows with bits, and some of these in segments; some wait, some are announced.
    for some, follow in (
        (records[third : 2 * third], building.everything),
        (records[:third], building.what_is_announced),
        (records[2 * third :], None),
    ):
        assert appending.append(scope, some).stored == len(some)
        if follow is not None:
            follow()
    for asked in queries:
        expected = {record.ts_ns for record in records if asked.holds(record)}
        assert found_by(scope, asked.text) == expected, asked.text
    # Who follows is shown the same, whatever others follow beside.
    trees = [read(asked.text).tree for asked in queries]
    (followed,) = tail.advance(FOLLOWED, [Wanted(scope, begun.position, trees)], limit=1_000)
    for place, asked in enumerate(queries):
        told = {one.row["ts_ns"] for one in followed.shown if place in one.queries}
        assert told == {record.ts_ns for record in records if asked.holds(record)}, asked.text
    for newest_first in (True, False):
        # One of them: the order is the index's, whatever is asked.
        found = paged(scope, queries[0].text, newest_first=newest_first)
        holding = [record.ts_ns for record in records if queries[0].holds(record)]
        assert found == sorted(holding, reverse=newest_first), queries[0].text


DRAWN = st.lists(st.tuples(meaning.records, meaning.numbers), min_size=1, max_size=12)
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=10, phases=[Phase.generate], deadline=None, suppress_health_check=SUPPRESSED)
@given(DRAWN, st.lists(meaning.queries, min_size=6, max_size=10))
def test_a_query_finds_what_plain_python_finds(drawn, queries):
    both_agree(drawn, queries)


def test_a_query_that_is_asked_twice_is_answered_twice():
    asked = meaning.Asked("x", lambda record: "x" in str(record.body))

    both_agree([({"body": "x"}, {}), ({"body": "y"}, {})], [asked, asked])


def test_the_largest_queries_run():
    scope = ProjectScope(next(PROJECTS))
    appending.append(scope, made([({"body": "needle", "attributes": {"x": 5}}, {})]))
    levels = QUERY_DEPTH // 2 - 1

    assert found_by(scope, " ".join(["needle"] * QUERY_TERMS)) == {NOW}
    assert found_by(scope, " OR ".join(["@x:6"] * (QUERY_TERMS - 1) + ["@x:5"])) == {NOW}
    assert found_by(scope, "-(none -(" * (levels // 2) + "none" + "))" * (levels // 2)) == {NOW}


@pytest.mark.promise
@settings(max_examples=1_500, deadline=None, derandomize=False, suppress_health_check=SUPPRESSED)
@given(DRAWN, st.lists(meaning.queries, min_size=6, max_size=20))
def test_many_queries_find_what_plain_python_finds(drawn, queries):
    both_agree(drawn, queries)
