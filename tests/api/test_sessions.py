"""The list of sessions: newest activity first, none skipped and none twice, each counted."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import pytest

from agentlogger.blueprints import runs
from agentlogger.store.runs import sessions, summaries

SECOND = 10**9
BEGAN = time.time_ns() - 3_600 * SECOND


def send(client, *records: tuple[str | None, float], **others: Any) -> None:
    lines = [
        {"ts_ns": BEGAN + int(at * SECOND), "message": "m", **others}
        | ({} if session is None else {"session_id": session})
        for session, at in records
    ]
    assert client.post("/api/v1/logs", json=lines).status_code == 200


def listed(client, **asked: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/sessions", query_string=asked)
    assert answer.status_code == 200, answer.get_json()
    page: dict[str, Any] = answer.get_json()
    return page


def names(page: dict[str, Any]) -> str:
    return " ".join(item["session_id"] for item in page["items"])


def pages(client, between: Any = lambda: None, **asked: Any) -> list[str]:
    """All pages of a listing, with something that happens between each two."""
    found, page = [], listed(client, **asked)
    for _ in range(50):
        found.append(names(page))
        if page["next_cursor"] is None:
            return found
        between()
        page = listed(client, **asked, cursor=page["next_cursor"])
    raise AssertionError(found)


def test_the_one_with_the_newest_record_comes_first(client):
    send(client, ("a", 1), ("b", 2), (None, 3), ("a", 4), ("c", 0))

    page = listed(client)

    assert names(page) == "a b c"
    assert page["items"][0]["records"] == 2
    assert page["items"][0]["last_ns"] == str(BEGAN + 4 * SECOND)


def test_a_stream_has_the_sessions_of_all_pages_and_says_that_it_is_whole(client, monkeypatch):
    monkeypatch.setattr(runs, "SESSIONS_MAX", 2)
    send(client, ("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1), tool="Bash")

    def stream(**asked: Any) -> tuple[list[Any], dict[str, Any]]:
        given = {"format": "ndjson", "q": "tool:bash", **asked}
        answer = client.get("/api/v1/sessions", query_string=given)
        *lines, last = map(json.loads, answer.get_data(as_text=True).splitlines())
        return lines, last["trailer"]

    every, whole = stream()
    some, part = stream(limit=3)
    rest, _ = stream(cursor=part["next_cursor"])
    table = client.get("/api/v1/sessions?q=tool:bash", headers={"Accept": "text/csv"})

    assert every == listed(client, q="tool:bash", limit=2)["items"] + every[2:]
    assert [one["session_id"] for one in every] == list("abcde")
    assert (whole["complete"], whole["records"], whole["next_cursor"]) == (True, 5, None)
    assert some + rest == every
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert [row["session_id"] for row in rows[:-1]] == list("abcde")
    assert client.get("/api/v1/sessions?limit=3").status_code == 422


@pytest.mark.parametrize("step", [1, 3, 4_000])
def test_pages_neither_skip_nor_repeat_while_sessions_go_on(client, monkeypatch, step):
    monkeypatch.setattr(sessions, "FIRST_STEP", step)
    send(client, ("a", 9), ("b", 8), ("a", 7), ("c", 6), ("d", 6), ("e", 6), ("f", 5), ("c", 4))

    def goes_on() -> None:
        send(client, ("f", 20 + time.monotonic()), ("g", 5.5), ("a", 1))

    found = pages(client, goes_on, limit=2)

    assert sorted(" ".join(found).split()) == ["a", "b", "c", "d", "e", "f"]
    assert found[0] == "a b"
    assert found[-1].split()[-1] == "f"


def test_a_page_that_looked_far_enough_is_short_and_goes_on(client, monkeypatch):
    monkeypatch.setattr(sessions, "FIRST_STEP", 2)
    monkeypatch.setattr(sessions, "SESSIONS_WALKED", 4)
    send(client, ("old", 0), *(("long", at) for at in range(1, 10)), ("new", 10))

    found = pages(client, limit=5)

    assert found[0] == "new long"
    assert " ".join(found).split() == ["new", "long", "old"]


def test_records_choose_the_sessions(client):
    send(client, ("a", 1), ("b", 2))
    send(client, ("c", 3), ("a", 4), severity="error")

    assert names(listed(client, q="level:>=error")) == "a c"
    assert names(listed(client, **{"from": BEGAN + 2 * SECOND, "to": BEGAN + 3 * SECOND})) == "b"
    page = listed(client, q="levle:error")
    assert (page["items"], len(page["hints"])) == ([], 1)
    for mistake in ("cursor=x", "limit=101", "query=x"):
        assert client.get(f"/api/v1/sessions?{mistake}").status_code in {400, 422}


def test_a_session_is_counted_by_calls_and_not_by_records(client):
    shared = {"session_id": "s", "user_id": "ada", "agent": "helper"}
    lines = [
        {"event": "x.user_prompt", "prompt_id": "p1", "prompt": "one"},
        {"event": "x.user_prompt", "prompt_id": "p2", "prompt": "two"},
        {"event": "x.tool_decision", "tool": "sh", "tool_call_id": "t1", "prompt_id": "p1"},
        {"event": "x.tool_result", "tool": "sh", "tool_call_id": "t1"},
        {"event": "x.tool_decision", "tool": "sh", "tool_call_id": "t2"},
        {"event": "x.tool_result", "tool": "web"},
        {"event": "x.internal_error", "severity": "error", "user_id": "bob"},
    ]
    client.post("/api/v1/logs", json=[shared | line for line in lines])

    (item,) = listed(client)["items"]

    counts = {name: item[name] for name in ("records", "errors", "prompts", "tools", "is_more")}
    assert counts == {"records": 7, "errors": 1, "prompts": 2, "tools": 3, "is_more": False}
    assert (item["agents"], item["users"]) == (["helper"], ["ada", "bob"])
    assert (item["models"], item["usage"]["calls"]) == ([], 0)


def test_of_a_long_session_the_newest_records_are_counted(client, monkeypatch):
    monkeypatch.setattr(summaries, "SESSION_COUNTED", 3)
    send(client, *(("long", at) for at in range(7)), ("short", 0), ("short", 1))

    long, short = listed(client)["items"]

    assert (long["records"], long["is_more"]) == (3, True)
    assert (short["records"], short["is_more"]) == (2, False)
