"""Calls of models: one row a call, in whatever order, parts and repetitions its reports come."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, text

from agentlogger.intake import batches
from agentlogger.intake.call import CallReport, Usage
from agentlogger.intake.record import Record
from agentlogger.models.calls import ModelCall, ModelCallKey
from agentlogger.models.database import db, table_of
from agentlogger.models.identities import RecordIdentity
from agentlogger.models.logs import LogRecord
from agentlogger.store import appending, identities, ledger, merging, projects
from agentlogger.store.connections import writing

SCOPE = projects.DEFAULT
NOW = time.time_ns()
THREADS, TURNS, NAMES = 4, 4, 60
WAITERS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
CALLS = table_of(ModelCall)
TABLES = [table_of(model) for model in (ModelCall, ModelCallKey, RecordIdentity, LogRecord)]


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


TOKENS = {
    "in": "input", "out": "output", "cache_read": "cache_read", "cache_write": "cache_write",
    "tool": "tool", "reasoning": "reasoning",
}  # fmt: skip


def usage(tokens_in: int | None = 10, tokens_out: int | None = 5, **others) -> Usage:
    counts = dict.fromkeys(("cache_read", "cache_write", "tool", "reasoning")) | others
    return Usage(input=tokens_in, output=tokens_out, rule="inclusive", **counts)


def record(source: str, *keys: str, at: int = 0, name: str | None = None, **told) -> Record:
    """A record that reports a call; one with a name of its own is stored once."""
    (made,) = batches.from_native(b"{}", NOW, lines=False).records
    columns = {key: told.pop(key) for key in ("session_id", "model") if key in told}
    call = CallReport(
        source=source,
        keys=keys,
        **{
            "fingerprint": None, "rank": 0, "ok": True, "failed_before": 0, "usage": None,
            "cost_micro_usd": None,
        } | told,
    )  # fmt: skip
    counts = (
        {}
        if call.usage is None
        else {f"tokens_{column}": getattr(call.usage, count) for column, count in TOKENS.items()}
        | {"usage_rule": call.usage.rule}
    )
    return replace(
        made,
        **counts,
        ts_ns=NOW + at,
        identity=None if name is None else name.encode().ljust(32, b"."),
        call=call,
        **columns,
    )


def send(*records: Record) -> None:
    appending.append(SCOPE, records)


def calls() -> list[dict]:
    """Every call but for the ids, which are made by chance."""
    with db.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(select(CALLS)).mappings()]
    for row in rows:
        del row["call_id"]
        row["reports"] = [
            {name: said for name, said in one.items() if name != "record_id"}
            for one in row["reports"]
        ]
    return sorted(rows, key=repr)


def tokens() -> list[tuple]:
    return sorted(
        (row["tokens_in"], row["tokens_cache_read"], row["tokens_out"]) for row in calls()
    )


def forget() -> None:
    with writing() as connection:
        for table in TABLES:
            # The row of no project says that no older program is left.
            connection.execute(delete(table).where(table.c.project_id != identities.NO_PROJECT))


def test_reports_with_a_name_in_common_are_one_call():
    send(record("span", "span:1", "response:a", usage=usage(10, 5)))
    send(record("detail", "response:a", usage=usage(10, 5, cache_read=4)))

    assert tokens() == [(10, 4, 5)]


def test_a_report_that_knows_two_calls_by_name_makes_one_of_them():
    send(record("span", "span:1", "request:1"), record("log", "response:a"))
    assert len(calls()) == 2

    send(record("detail", "span:1", "response:a"))
    send(record("other", "request:1"), record("one more", "response:a"))

    (row,) = calls()
    assert len(row["reports"]) == 5


def test_reports_that_share_no_name_meet_by_what_they_say_alike():
    alike = {"fingerprint": "s 10 5", "usage": usage()}
    send(*(record("log", at=at, **alike) for at in (0, 1)))
    send(*(record("span", f"span:{at}", at=at, **alike) for at in (0, 1, 2)))

    assert len(calls()) == 3


def test_the_report_with_the_highest_rank_counts_field_by_field():
    send(record("log", "a", rank=1, usage=usage(10, None, cache_read=3), model="log's"))
    send(record("span", "a", rank=2, usage=usage(11, 5), ok=False))

    (row,) = calls()
    assert (row["tokens_in"], row["tokens_out"], row["tokens_cache_read"]) == (11, 5, 3)
    assert (row["model"], row["ok"]) == ("log's", False)


def test_a_count_that_was_not_told_is_unknown_and_one_that_cannot_be_is_none():
    send(record("log", "a", usage=usage(None, 10**13)), record("log", "b", usage=usage(0, -1)))

    assert {(row["tokens_in"], row["tokens_out"]) for row in calls()} == {(None, None), (0, None)}


names = st.sampled_from(["span:1", "span:2", "response:1", "response:2", "request:1"])
reported = st.builds(
    dict,
    source=st.sampled_from(["log", "span", "detail"]),
    keys=st.lists(names, max_size=2, unique=True),
    at=st.integers(0, 3),
    fingerprint=st.sampled_from([None, None, "x", "y"]),
    rank=st.integers(0, 2),
    ok=st.sampled_from([None, True, False]),
    failed_before=st.integers(0, 1),
    usage=st.none()
    | st.builds(usage, st.integers(0, 2), st.integers(0, 2), cache_read=st.none() | st.just(1)),
)


def in_parts(records: list[Record], sizes: Iterable[int]) -> None:
    left = list(records)
    for size in sizes:
        part, left = left[:size], left[size:]
        if part:
            send(*part)
    if left:
        send(*left)


def any_order_gives_the_same(told: list[dict], data: st.DataObject) -> None:
    records = [
        record(one["source"], *one["keys"], name=str(number), **rest)
        for number, one in enumerate(told)
        for rest in [{key: said for key, said in one.items() if key not in ("source", "keys")}]
    ]
    forget()
    send(*records)
    at_once = calls()
    forget()
    again = data.draw(st.lists(st.sampled_from(records), max_size=3))
    shuffled = data.draw(st.permutations(records + again))
    in_parts(shuffled, data.draw(st.lists(st.integers(1, 3), max_size=len(shuffled))))

    assert calls() == at_once


QUIET = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
    "database": None,
}


@settings(max_examples=25, **QUIET)
@given(told=st.lists(reported, min_size=1, max_size=6), data=st.data())
def test_any_order_parts_and_repetitions_give_the_same_calls(told, data):
    any_order_gives_the_same(told, data)


@pytest.mark.promise
@settings(max_examples=600, **QUIET)
@given(told=st.lists(reported, min_size=1, max_size=9), data=st.data())
def test_any_order_parts_and_repetitions_of_many_give_the_same_calls(told, data):
    any_order_gives_the_same(told, data)


def test_a_span_that_ends_brings_its_call_and_one_that_is_sent_twice_does_not():
    begun = replace(record("span", "span:1", name="one"), call=None)
    ended = record("span", "span:1", name="one", at=5, usage=usage(), session_id="s")
    ended = replace(ended, duration_ns=7, completes=True)

    send(begun)
    assert calls() == []
    send(ended)
    send(ended, begun)

    (row,) = calls()
    assert (row["tokens_in"], row["session_id"], len(row["reports"])) == (10, "s", 1)


def test_what_a_span_says_at_its_end_takes_the_place_of_what_it_said_at_its_start():
    begun = record("span", "span:1", name="one", ok=None)
    ended = record("span", "response:1", name="one", ok=True, usage=usage())
    send(begun, replace(ended, duration_ns=7, completes=True))

    send(record("log", "span:1", "response:1"))

    (row,) = calls()
    assert (row["ok"], row["tokens_in"], len(row["reports"])) == (True, 10, 2)


def test_a_refused_record_brings_no_call():
    bad = record("span", "span:1")
    bad.severity_number = 2**70

    send(bad, record("span", "span:2"))

    assert [row["reports"][0]["keys"] for row in calls()] == [
        [merging.digest("key", "span:2").hex()]
    ]


def test_a_flood_of_calls_that_are_all_alike_is_not_compared_with_all_of_them(monkeypatch):
    monkeypatch.setattr(ledger, "CALLS_ALIKE", 3)
    for at in range(6):
        send(record("log", at=at, fingerprint="same", usage=usage()))

    assert len(calls()) == 6
    assert sum(row["fingerprint"] is not None for row in calls()) == 3


def take(connection: Connection, told: list[ledger.Told]) -> None:
    ledger.take(SCOPE, connection, ledger.drafted(SCOPE, told))


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_requests_that_report_the_same_calls_at_once_wait_and_never_deadlock(app):
    """On PostgreSQL only: SQLite has one writer."""
    together = threading.Barrier(THREADS)

    def report(seed: int) -> None:
        shuffled = random.Random(seed)
        with app.app_context():
            for turn in range(TURNS):
                names = [f"span:{turn // 2}:{number}" for number in range(NAMES)]
                shuffled.shuffle(names)
                # The first time every name by itself, the second time in pairs that join calls.
                parts = [(name,) for name in names] if turn % 2 == 0 else pairwise(names[:9])
                told = [
                    ledger.Told(one, one.ts_ns, seed * 100_000 + turn * 100 + number)
                    for number, part in enumerate(parts)
                    for one in [record(f"{seed}", *part, at=number)]
                ]
                together.wait(60)
                with writing() as connection:
                    take(connection, told)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(report, range(1, THREADS + 1)))

    told = [one for row in calls() for one in row["reports"]]
    assert len(told) == THREADS * TURNS // 2 * (NAMES + 8)
    assert len(calls()) == len(merging.calls_of([one | {"record_id": 0} for one in told]))


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_request_that_waits_for_a_name_holds_none_that_comes_after_it(app):
    """On PostgreSQL only. Whoever took names in another order could be waited for in turn."""
    low, high = sorted(["span:1", "span:2"], key=lambda key: merging.digest("key", key))
    both = [record("b", high, at=0), record("b", low, at=1)]

    def report_both() -> None:
        with app.app_context(), writing() as connection:
            told = [ledger.Told(one, one.ts_ns, 7) for one in both]
            take(connection, told)

    with ThreadPoolExecutor(1) as threads:
        with writing() as connection:
            take(connection, [ledger.Told(record("a", low), NOW, 1)])
            waiting = threads.submit(report_both)
            with db.engine.connect() as other:
                while not other.execute(WAITERS).scalar():
                    other.rollback()
            take(connection, [ledger.Told(record("a", high), NOW, 2)])
        waiting.result(30)

    assert len(calls()) == 2
