"""The same text finds the same records on both databases: those that plain Python finds."""

from __future__ import annotations

import itertools
import time
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.intake import batches
from agentlogger.intake.record import Record
from agentlogger.limits import QUERY_DEPTH, QUERY_TERMS
from agentlogger.query.parsing import read
from agentlogger.store import appending, logs
from agentlogger.store.logs import LogFilter
from agentlogger.store.scope import ProjectScope
from tests.query import meaning

NOW = time.time_ns()
PROJECTS = itertools.count(10_000)
"""A project for each set of records, so that one database does for all."""


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
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


def both_agree(drawn: list[Any], queries: list[meaning.Asked]) -> None:
    scope = ProjectScope(next(PROJECTS))
    records = made(drawn)
    assert appending.append(scope, records).stored == len(records)
    for asked in queries:
        expected = {record.ts_ns for record in records if asked.holds(record)}
        assert found_by(scope, asked.text) == expected, asked.text


DRAWN = st.lists(st.tuples(meaning.records, meaning.numbers), min_size=1, max_size=6)
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=15, deadline=None, suppress_health_check=SUPPRESSED)
@given(DRAWN, st.lists(meaning.queries, min_size=6, max_size=10))
def test_a_query_finds_what_plain_python_finds(drawn, queries):
    both_agree(drawn, queries)


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
