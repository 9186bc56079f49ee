"""Numbers through HTTP are those of plain Python: each call once, by group, with its durations."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from agentlogger.blueprints import numbers as entrance
from agentlogger.schemas.numbers import GROUPS
from agentlogger.store import numbers as store

NOW = time.time_ns()
HOUR = 3_600 * 10**9
TRACE = "5b8efff798038103d269b633813fc60c"
MODELS = ("house-a", "house-b", "house-c")


@dataclass(frozen=True)
class Call:
    """A call as it was sent: by a span, and maybe by a record of details as well."""

    number: int
    ts_ns: int
    model: str
    session: str | None
    tokens_in: int | None
    duration_ns: int
    failed: bool
    detailed: bool

    @property
    def day(self) -> str:
        return time.strftime("%Y-%m-%d", time.gmtime(self.ts_ns // 10**9))

    @property
    def told(self) -> int | None:
        """Of a call that did not fail, zero alone is what some write where nothing was told."""
        return self.tokens_in if self.tokens_in or self.failed else None


def drawn() -> list[Call]:
    chance = random.Random(7)
    return [
        Call(
            number,
            NOW - number * HOUR,
            chance.choice(MODELS),
            chance.choice(["s1", "s2", None]),
            chance.choice([None, 0, 7, 1_000]),
            chance.randrange(1, 40) * 10**6,
            chance.random() < 0.2,
            chance.random() < 0.5,
        )
        for number in range(40)
    ]


CALLS = drawn()


def attributes(values: dict) -> list[dict]:
    return [
        {"key": key, "value": {"intValue" if isinstance(value, int) else "stringValue": str(value)}}
        for key, value in values.items()
        if value is not None
    ]


def span(call: Call) -> dict:
    return {
        "traceId": TRACE,
        "spanId": f"{call.number + 1:016x}",
        "name": "chat",
        "startTimeUnixNano": str(call.ts_ns),
        "endTimeUnixNano": str(call.ts_ns + call.duration_ns),
        "status": {"code": 2 if call.failed else 1},
        "attributes": attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.response.model": call.model,
                "gen_ai.conversation.id": call.session,
                "gen_ai.usage.input_tokens": call.tokens_in,
            }
        ),
    }


def detail(call: Call) -> dict:
    return {
        "eventName": "gen_ai.client.inference.operation.details",
        "timeUnixNano": str(call.ts_ns + 1),
        "traceId": TRACE,
        "spanId": f"{call.number + 1:016x}",
        "attributes": attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.response.model": call.model,
                "gen_ai.usage.input_tokens": call.tokens_in,
                "reviewed": "yes",
            }
        ),
    }


@pytest.fixture
def filled(client):
    spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span(call) for call in CALLS]}]}]}
    details = [detail(call) for call in CALLS if call.detailed]
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": details}]}]}
    for door, body in (("traces", spans), ("logs", logs)):
        answer = client.post(f"/v1/{door}", data=json.dumps(body), content_type="application/json")
        assert (answer.status_code, answer.get_json()) == (200, {})
    return client


def ask(client, path: str) -> dict:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def percentile(durations: list[int], percent: int) -> int | None:
    place = math.ceil(len(durations) * percent / 100) - 1
    return sorted(durations)[place] if durations else None


def expected(calls: list[Call]) -> dict:
    told = [call.told for call in calls if call.told is not None]
    durations = [call.duration_ns for call in calls]
    return {
        "calls": len(calls),
        "failed": sum(call.failed for call in calls),
        "tokens_in": sum(told) if told else None,
        "tokens_out": None,
        "cost_micro_usd": None,
        "timed": len(calls),
        **{f"duration_p{one}_ns": percentile(durations, one) for one in (50, 95, 99)},
    }


def told_of(row: dict) -> dict:
    return {name: row[name] for name in expected([])}


QUERIES: list[tuple[str, Callable[[Call], bool]]] = [
    ("", lambda _: True),
    ("model:house-a", lambda call: call.model == "house-a"),
    ("-model:house-*", lambda _: False),
    ("session:s1 OR tokens.in:>=1k", lambda c: c.session == "s1" or c.tokens_in == 1_000),
    ("-has:session ok:true", lambda call: call.session is None and not call.failed),
    ("duration:>20ms", lambda call: call.duration_ns > 20 * 10**6),
    ("@reviewed:yes", lambda call: call.detailed),
    ("@reviewed:yes duration:>0ns", lambda _: False),
    ("kind:llm level:>=error", lambda call: call.failed),
    ("nowhere", lambda _: False),
]


def test_numbers_are_those_of_plain_python(filled):
    since = f"from={NOW - 30 * HOUR}&to={NOW - 2 * HOUR + 1}"
    inside = [call for call in CALLS if 2 <= call.number <= 30]
    for query, holds in QUERIES:
        meant = [call for call in inside if holds(call)]
        for by in ("model", "session", "day"):
            groups = defaultdict(list)
            for call in meant:
                groups[getattr(call, by)].append(call)
            found = ask(filled, f"numbers?by={by}&q={query}&{since}")
            assert told_of(found["total"]) == expected(meant), query
            shown = {row["group"]: told_of(row) for row in found["groups"]}
            assert shown == {name: expected(calls) for name, calls in groups.items()}, query


def test_what_is_asked_of_all_is_what_usage_sums(filled):
    found = ask(filled, "numbers?by=model")

    assert found["total"] | ask(filled, "usage")["total"] == found["total"]
    by_calls = [(row["group"], row["calls"]) for row in found["groups"]]
    assert by_calls == sorted(by_calls, key=lambda one: (-one[1], one[0]))
    days = [row["group"] for row in ask(filled, "numbers?by=day&limit=2")["groups"]]
    assert days == sorted({call.day for call in CALLS}, reverse=True)[:2]
    assert ask(filled, "numbers?q=modle:x")["hints"]
    assert set(GROUPS) == set(store.GROUPS)
    for by in GROUPS:
        ask(filled, f"numbers?by={by}&severity_min=warn")


def test_groups_stream_as_they_stand_in_json_and_say_what_a_limit_left_out(filled, monkeypatch):
    def stream(asked: str) -> tuple[list[dict], dict]:
        text = filled.get(f"/api/v1/numbers?format=ndjson&{asked}").get_data(as_text=True)
        *rows, last = map(json.loads, text.splitlines())
        return rows, last["trailer"]

    every = ask(filled, "numbers?by=session")["groups"]
    rows, whole = stream("by=session")
    some, part = stream("by=session&limit=1")
    table = filled.get("/api/v1/numbers?by=session", headers={"Accept": "text/csv"})

    assert rows == every
    assert (whole["complete"], whole["records"], whole["hints"]) == (True, len(every), [])
    assert some == every[:1]
    rest = len(CALLS) - every[0]["calls"]
    assert part["hints"] == [f"{rest} calls are of other groups, which `limit` has left out."]
    cells = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert [row["calls"] for row in cells[:-1]] == [str(row["calls"]) for row in every]
    assert cells[-1]["group"].startswith("#trailer complete=true")
    assert stream("q=nowhere")[0] == []
    monkeypatch.setattr(entrance, "GROUPS_STREAMED", 2)
    refused = filled.get("/api/v1/numbers?format=csv&by=session")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "query.too_large")


def test_a_call_of_a_tool_counts_once_and_errors_stand_beside(client):
    ran = {"event": "claude_code.tool_result", "tool": "Bash", "session_id": "s"}
    sent = [
        ran | {"tool_call_id": "a", "duration_ms": 5, "success": True, "time": NOW},
        ran | {"tool_call_id": "a", "duration_ms": 9, "time": NOW + 1},
        ran | {"tool_call_id": "b", "duration_ms": 100, "success": False, "level": "error"},
        ran | {"duration_ms": 1, "time": NOW},
        ran | {"tool": "Read", "tool_call_id": "c"},
        {"level": "error", "tool": "Bash"},
        {"level": "fatal"},
    ]
    assert client.post("/api/v1/logs", json=sent).get_json()["accepted"] == len(sent)

    found = ask(client, "numbers?by=tool")

    rows = {row["group"]: row for row in found["groups"]}
    assert [row["group"] for row in found["groups"]] == ["Bash", "Read"]
    told = (
        "calls",
        "failed",
        "unanswered",
        "errors",
        "timed",
        "duration_p50_ns",
        "duration_p99_ns",
    )
    assert [rows["Bash"][name] for name in told] == [3, 1, 1, 2, 3, 9 * 10**6, 100 * 10**6]
    assert [rows["Read"][name] for name in told] == [1, 0, 1, 0, 0, None, None]
    assert [found["total"][name] for name in told[:4]] == [4, 1, 2, 3]
    assert (found["total"]["tokens_in"], found["total"]["cost_micro_usd"]) == (None, None)
    assert ask(client, "numbers?by=tool&q=tool:read")["total"]["errors"] == 0
