"""What is counted is what plain Python counts, on both databases, and what a list has."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.intake import batches
from agentlogger.intake.record import Record
from agentlogger.query.keys import Key, known
from agentlogger.query.parsing import read
from agentlogger.store import appending, facets, histogram
from agentlogger.store.logs import LogFilter
from agentlogger.store.scope import ProjectScope
from tests.query import meaning

NOW = time.time_ns()
SECOND = 10**9
PROJECTS = itertools.count(20_000)
KEYS = [key for name in ("level", "tool", "model", "session", "ok") if (key := known(name))]

ages = st.sampled_from([0, 1, 59, 60, 3_600, 86_400, 30 * 86_400, 20_000 * 86_400])
"""Seconds before now, over several days and among the strays, some of them equal."""
drawn_records = st.lists(st.tuples(meaning.records, meaning.numbers, ages), min_size=1, max_size=8)


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def stored(scope: ProjectScope, drawn: list[Any]) -> list[Record]:
    found = []
    for sent, columns, age in drawn:
        body = orjson.dumps(sent | {"ts_ns": NOW - age * SECOND})
        (record,) = batches.from_native(body, NOW, lines=False).records
        for name, value in columns.items():
            setattr(record, name, value)
        found.append(record)
    assert appending.append(scope, found).stored == len(found)
    return found


def by_time(scope: ProjectScope, wanted: LogFilter, records: list[Record], buckets: int) -> None:
    counted = histogram.of_records(scope, wanted, buckets=buckets)
    assert counted is not None
    length = counted.bucket_ns
    expected = Counter(
        (record.ts_ns // length * length, record.severity_number) for record in records
    )
    found = {
        (start, severity): number
        for start, severities in counted.counts.items()
        for severity, number in severities.items()
    }
    assert found == dict(expected)
    assert counted.counted_from_ns == counted.from_ns
    all_buckets = (counted.to_ns - 1) // length - counted.from_ns // length + 1
    assert all_buckets <= buckets or length == histogram.LADDER[-1]
    assert length in histogram.LADDER


def value_of(record: Record, key: Key) -> str | None:
    value = getattr(record, key.column)
    return str(value).lower() if isinstance(value, bool) else value if value is None else str(value)


def by_value(scope: ProjectScope, wanted: LogFilter, records: list[Record]) -> None:
    counted = facets.of_records(scope, wanted, KEYS)
    assert (counted.records, counted.since_ns) == (len(records), None)
    for key, counts in zip(KEYS, counted.counts, strict=True):
        expected = Counter(value_of(record, key) for record in records)
        assert {value: number for value, number in counts.items() if number} == dict(expected), key


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    drawn_records,
    st.lists(meaning.queries, min_size=3, max_size=5),
    st.sampled_from([1, 2, 7, 120, 1_000]),
    st.none() | st.sampled_from([0, 60, 86_400, 40 * 86_400]),
)
def test_counts_are_those_of_plain_python(drawn, queries, buckets, since):
    scope = ProjectScope(next(PROJECTS))
    records = stored(scope, drawn)
    stored(ProjectScope(next(PROJECTS)), drawn[:1])
    from_ns = None if since is None else NOW - since * SECOND
    inside = [one for one in records if from_ns is None or one.ts_ns >= from_ns]
    for asked in queries:
        wanted = LogFilter(from_ns=from_ns, query=read(asked.text).tree)
        expected = [record for record in inside if asked.holds(record)]
        by_value(scope, wanted, expected)
        if inside:
            by_time(scope, wanted, expected, buckets)
        else:
            assert histogram.of_records(scope, wanted, buckets=buckets) is None
