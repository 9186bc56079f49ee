"""One session or trace as a story: everything once, in turns, and the trees of its traces."""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from agentlogger.store import keys, projects
from agentlogger.store.runs import runs
from agentlogger.store.scope import OperatorScope, ProjectScope
from tests.intake.exports import Map, Record, Resource, Scope, json_text
from tests.intake.readers.corpus import scenarios

STAGE = OperatorScope("a test makes a project for each scenario")
BEGAN = time.time_ns() - 3_600 * 10**9
SECOND = 10**9
TRACE = "5b8efff798038103d269b633813fc60c"
sequence = count(1)


def claude(at: float, event: str, **said: Any) -> Record:
    """An event as Claude Code writes it, `at` seconds after the beginning."""
    own = {name.replace("__", "."): value for name, value in said.items()}
    number = next(sequence)
    given = {"event.name": event, "session.id": "s", "prompt.id": "p1", "event.sequence": number}
    given["event.timestamp"] = str(number)
    return Record(
        time=BEGAN + int(at * SECOND),
        body=f"claude_code.{event}",
        attributes=Map((given | own).items()),
    )


def send(client, *records: Record) -> None:
    scope = Scope(name="com.anthropic.claude_code.events", records=list(records))
    export = [Resource(scopes=[scope], attributes=Map([("service.name", "claude-code")]))]
    answer = client.post("/v1/logs", data=json_text(export), content_type="application/json")
    assert (answer.status_code, answer.get_json()) == (200, {})


def span(span_id: int, parent: int = 0, *, trace: str = TRACE, at: int = 0, **said: Any) -> dict:
    start = BEGAN + at * SECOND
    return {
        "traceId": trace,
        "spanId": f"{span_id:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": f"span {span_id}",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + SECOND),
        "attributes": [
            {"key": name.replace("__", "."), "value": {"stringValue": value}}
            for name, value in said.items()
        ],
    }


def send_spans(client, *spans: dict) -> None:
    body = {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}
    answer = client.post("/v1/traces", data=json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.get_json()) == (200, {})


def told(client, path: str = "sessions/s", **options: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}", **options)
    assert answer.status_code == 200, answer.get_json()
    run: dict[str, Any] = answer.get_json()
    return run


def happened(turn: dict[str, Any]) -> list[str]:
    return [item["what"] for item in turn["items"]]


def test_logs_alone_make_a_story_of_prompts_calls_and_tools(client):
    call = {"model": "m", "input_tokens": "10", "output_tokens": "5", "cost_usd": "0.5"}
    send(
        client,
        claude(0, "user_prompt", prompt="Mend the test."),
        claude(1, "api_request", request_id="r1", duration_ms="900", **call),
        claude(2, "tool_decision", tool_name="Bash", tool_use_id="t1", decision="accept",
               source="config"),
        claude(3, "tool_result", tool_name="Bash", tool_use_id="t1", success="false",
               duration_ms="700", error="exit 1", tool_input='{"command":"make"}'),
        claude(4, "tool_decision", tool_name="Write", tool_use_id="t2", decision="reject",
               source="user_reject"),
        claude(5, "assistant_response", response="It " * 1_500, model="m"),
        claude(6, "hook_execution_start", hook_name="h"),
        claude(7, "user_prompt", prompt="Go on.", prompt__id="p2"),
        claude(8, "api_error", prompt__id="p2", model="m", error="overloaded", status_code="529"),
        # Comes late, and belongs to the first prompt all the same.
        claude(9, "api_request", request_id="r2", **call),
    )  # fmt: skip

    run = told(client)

    first, second = run["turns"]
    assert (first["prompt"]["text"], second["prompt"]["text"]) == ("Mend the test.", "Go on.")
    assert happened(first) == ["call", "tool", "tool", "response", "hook", "call"]
    assert happened(second) == ["call"]
    made, refused = first["items"][1:3]
    assert (made["decision"], made["decided_by"], made["ok"]) == ("accept", "config", False)
    assert (made["duration_ns"], made["error_message"]) == (700_000_000, "exit 1")
    assert (made["arguments"], len(made["records"])) == ('{"command":"make"}', 2)
    assert (refused["tool"], refused["decision"], refused["ok"]) == ("Write", "reject", None)
    answer = first["items"][3]
    assert (len(answer["text"]), answer["truncated"]) == (2_000, ["text"])
    failed = second["items"][0]
    assert (failed["ok"], failed["error_message"]) == (False, "overloaded")
    assert first["usage"]["calls"] == 2
    assert first["usage"]["cost_micro_usd"] == run["usage"]["cost_micro_usd"] == 1_000_000
    assert (run["records"], run["others"], run["spans"]) == (10, {}, [])
    assert (run["agents"], run["models"]) == (["claude-code"], ["m"])
    assert run["left_out"] is None


def test_a_prompt_that_names_none_begins_a_turn(client):
    lines = [
        {"event": "codex.conversation_starts"},
        {"event": "codex.user_prompt", "prompt": "one"},
        {"event": "codex.tool_result", "tool": "sh", "tool_call_id": "c", "output": "1"},
        {"event": "codex.user_prompt", "prompt": "two"},
        {"event": "codex.tool_result", "tool": "sh", "tool_call_id": "d", "prompt_id": "turn 7"},
    ]
    stamped = [
        {"ts_ns": BEGAN + at * SECOND, "session_id": "s"} | line for at, line in enumerate(lines)
    ]
    client.post("/api/v1/logs", json=stamped)

    run = told(client)

    assert [(turn["prompt"] or {}).get("text") for turn in run["turns"]] == [None, "one", "two"]
    assert [happened(turn) for turn in run["turns"]] == [["session"], ["tool"], ["tool"]]
    assert run["turns"][1]["items"][0]["result"] == "1"


def test_messages_that_are_sent_again_with_each_call_are_told_once(client):
    user = {"event": "gen_ai.user.message", "body": {"content": "Weather?"}}
    asks = {"id": "c1", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
    choice = {"message": {"tool_calls": [asks]}}
    again = {"content": None, "tool_calls": [asks]}
    lines = [
        user,
        {"event": "gen_ai.choice", "body": choice},
        user,
        {"event": "gen_ai.assistant.message", "body": again},
        {"event": "gen_ai.tool.message", "body": {"id": "c1", "content": "sunny"}},
        {"event": "gen_ai.choice", "body": {"message": {"content": "It is sunny."}}},
    ]
    stamped = [
        {"ts_ns": BEGAN + at * SECOND, "session_id": "s"} | line for at, line in enumerate(lines)
    ]
    client.post("/api/v1/logs", json=stamped)

    (turn,) = told(client)["turns"]

    assert turn["prompt"]["text"] == "Weather?"
    tool, answer = turn["items"]
    assert (tool["tool"], tool["arguments"]) == ("weather", '{"city":"Paris"}')
    assert (tool["result"], len(tool["records"])) == ("sunny", 3)
    assert answer["text"] == "It is sunny."


def test_a_tree_is_told_whatever_is_missing_in_it(client):
    other = "11" * 16
    send_spans(
        client,
        span(1, at=1, session__id="s"),
        span(2, 1, at=2),
        span(3, 2, at=3),
        span(4, 99, at=4, session__id="s"),
        span(5, 6, at=5, session__id="s"),
        span(6, 5, at=6),
        span(7, 7, at=7),
        span(8, trace=other, at=8, session__id="s"),
        # A trace of its own, of no session.
        span(9, trace="22" * 16, at=9),
    )
    client.post(
        "/api/v1/logs",
        json={"ts_ns": BEGAN, "trace_id": TRACE, "span_id": f"{3:016x}", "message": "within"},
    )

    lines = told(client)["spans"]

    assert [(line["name"], line["depth"], line["problem"]) for line in lines] == [
        ("span 1", 0, None),
        ("span 2", 1, None),
        ("span 3", 2, None),
        ("span 4", 0, "parent_missing"),
        ("span 5", 0, "cycle"),
        ("span 6", 1, None),
        ("span 7", 0, "cycle"),
        ("span 8", 0, None),
    ]
    assert [line["within"] for line in lines] == [0, 0, 1, 0, 0, 0, 0, 0]
    assert lines[-1]["trace_id"] == other
    alone = told(client, f"traces/{TRACE}")
    assert [line["name"] for line in alone["spans"]] == [line["name"] for line in lines[:-1]]


def test_sums_of_children_are_never_added_to_their_parents(client):
    counts = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}

    def with_counts(given: dict, operation: str) -> dict:
        named = [{"key": "gen_ai.operation.name", "value": {"stringValue": operation}}]
        numbers = [{"key": name, "value": {"intValue": str(n)}} for name, n in counts.items()]
        return given | {"attributes": given["attributes"] + named + numbers}

    send_spans(
        client,
        with_counts(span(1, session__id="s"), "invoke_agent"),
        with_counts(span(2, 1, session__id="s", gen_ai__request__model="m"), "chat"),
    )

    run = told(client)

    assert (run["usage"]["calls"], run["usage"]["tokens_in"]) == (1, 10)
    (turn,) = run["turns"]
    assert [(item["what"], item["tokens_in"]) for item in turn["items"]] == [
        ("agent", None),
        ("call", 10),
    ]


def test_a_long_run_is_told_in_parts_and_says_what_is_left_out(client, monkeypatch):
    monkeypatch.setattr(runs, "RUN_COUNTED", 3)
    send(client, *(claude(n, "user_prompt", prompt=f"{n}", prompt__id=f"p{n}") for n in range(7)))

    first = told(client, query_string={"limit": 2})
    rest = told(client, query_string={"after": first["left_out"]["after"], "limit": 4})
    last = told(client, query_string={"after": rest["left_out"]["after"]})

    assert (first["left_out"]["records"], first["left_out"]["is_more"]) == (3, True)
    assert (rest["left_out"]["records"], rest["left_out"]["is_more"]) == (1, False)
    assert last["left_out"] is None
    texts = [turn["prompt"]["text"] for run in (first, rest, last) for turn in run["turns"]]
    assert texts == [f"{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("sessions/unknown", 404, "run.missing"),
        ("traces/unknown", 404, "run.missing"),
        ("sessions/s?after=x", 400, "query.cursor"),
        ("sessions/s?limit=5001", 422, "query.invalid"),
    ],
)
def test_what_is_not_there_is_said(client, path, status, code):
    answer = client.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


@pytest.mark.parametrize("session", ["two\nlines", "a/b\r\n", "ends\n"])
def test_a_session_is_opened_whatever_its_id_has_in_it(client, session):
    client.post("/api/v1/logs", json={"message": "hello", "session_id": session})

    run = told(client, f"sessions/{quote(session)}")
    assert (run["session_id"], run["records"]) == (session, 1)


def test_of_each_emitter_every_call_is_told_once_and_the_turns_add_up(app):
    client = app.test_client()
    for number, scenario in enumerate(scenarios()):
        if not scenario.name.endswith("(all)"):
            continue
        with app.app_context():
            scope = ProjectScope(projects.create(STAGE, f"{number}"))
            key = keys.create(scope, name="k", scopes=("ingest", "read"), expires_ns=None)
        shown = {"headers": {"X-API-Key": key}}
        for path, body in scenario.requests:
            client.post(path, data=body, content_type="application/json", **shown)
        calls = told(client, "calls", **shown)["items"]
        sessions = told(client, "sessions", **shown)["items"]
        assert {item["session_id"] for item in sessions} >= {
            call["session_id"] for call in calls if call["session_id"]
        }
        for item in sessions:
            run = told(client, f"sessions/{item['session_id']}", **shown)
            items = [one for turn in run["turns"] for one in turn["items"]]
            mine = [call["id"] for call in calls if call["session_id"] == item["session_id"]]
            assert sorted(one["call_id"] for one in items if one["call_id"]) == sorted(mine)
            assert item["usage"] == run["usage"], scenario.name
            assert (
                run["usage"]
                == told(client, f"usage?session={item['session_id']}", **shown)["total"]
            )
            assert added(turn["usage"] for turn in run["turns"]) == run["usage"], scenario.name
            tools = {one["records"][0] for one in items if one["what"] == "tool"}
            assert item["tools"] <= len(tools), scenario.name


def added(sums: Any) -> dict[str, Any]:
    """Sums of turns as one; null and a number are the number."""
    total: dict[str, Any] = {}
    for one in sums:
        for name, value in one.items():
            if isinstance(value, dict):
                total[name] = added([total.get(name, {}), value])
            elif value is not None or name not in total:
                total[name] = value if total.get(name) is None else total[name] + value
    return total
