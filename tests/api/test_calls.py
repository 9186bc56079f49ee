"""Calls of models through HTTP: listed and summed once, and each number says where it is from."""

from __future__ import annotations

import json
import time
from itertools import count

import pytest

NOW = time.time_ns()
MINUTE = 60 * 10**9
spans = count(1)


def attribute(name: str, value) -> dict:
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": name, "value": {kind: str(value)}}


def span(at: int = 0, *, span_id: str | None = None, failed: bool = False, **said) -> dict:
    """A span of a call of a model, `at` minutes ago."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.model": said.pop("model", "house-model"),
        **{name.replace("__", "."): value for name, value in said.items() if value is not None},
    }
    start = NOW - at * MINUTE
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": span_id or f"{next(spans):016x}",
        "name": "chat",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 10**9),
        "attributes": [attribute(name, value) for name, value in attributes.items()],
        "status": {"code": 2 if failed else 1},
    }


def usage(tokens_in: int, tokens_out: int, cached: int | None = None) -> dict:
    return {
        "gen_ai__usage__input_tokens": tokens_in,
        "gen_ai__usage__output_tokens": tokens_out,
        "gen_ai__usage__cache_read__input_tokens": cached,
    }


def send(client, *sent: dict) -> None:
    body = {"resourceSpans": [{"scopeSpans": [{"spans": list(sent)}]}]}
    answer = client.post("/v1/traces", data=json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.get_json()) == (200, {})


def ask(client, path: str) -> dict:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_what_nobody_told_is_null_and_what_was_told_adds_up(client):
    send(client, span(**usage(100, 10, 40)), span(**usage(7, 3)), span(failed=True))

    total = ask(client, "usage")["total"]

    assert [total[name] for name in ("calls", "failed", "unanswered")] == [3, 1, 0]
    assert (total["tokens_in"], total["tokens_out"]) == (107, 13)
    divided = ("tokens_fresh", "tokens_cache_read", "tokens_in_undivided")
    assert [total[name] for name in divided] == [60, 40, 7]
    assert (total["tokens_reasoning"], total["tokens_answer"]) == (None, None)
    assert total["tokens_out_undivided"] == 13
    assert (total["untold"]["tokens_in"], total["untold"]["tokens_cache_read"]) == (0, 1)
    assert total["untold"]["cost_micro_usd"] == 2


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        ("model", [("b", 2, 5), ("a", 1, 1)]),
        ("session", [(None, 2, 3), ("s", 1, 3)]),
        ("provider", [(None, 3, 6)]),
    ],
)
def test_calls_are_summed_by_what_they_have_in_common(client, group_by, groups):
    send(
        client,
        span(model="a", **usage(1, 1)),
        span(model="b", **usage(2, 1)),
        span(model="b", gen_ai__conversation__id="s", **usage(3, 1)),
    )

    found = ask(client, f"usage?group_by={group_by}")["groups"]

    assert [(one["group"], one["calls"], one["tokens_in"]) for one in found] == groups


def test_days_come_with_their_dates_the_newest_first(client):
    send(client, span(at=3 * 24 * 60, **usage(1, 1)), span(**usage(2, 1)))

    found = ask(client, "usage?group_by=day")["groups"]

    dates = [time.strftime("%Y-%m-%d", time.gmtime(NOW / 10**9 - day * 86_400)) for day in (0, 3)]
    assert [(one["group"], one["tokens_in"]) for one in found] == [(dates[0], 2), (dates[1], 1)]
    assert len(ask(client, "usage?group_by=day&limit=1")["groups"]) == 1


def test_calls_are_listed_newest_first_a_page_at_a_time(client):
    send(client, *(span(at=minutes, **usage(minutes, 1)) for minutes in range(5)))

    listed, path = [], "calls?limit=2&from=-1h"
    while path:
        page = ask(client, path)
        listed += [call["tokens_in"] for call in page["items"]]
        path = page["next_cursor"] and f"calls?limit=2&from=-1h&cursor={page['next_cursor']}"

    assert listed == [0, 1, 2, 3, 4]
    assert len(ask(client, f"calls?from={NOW - 5 * MINUTE // 2}")["items"]) == 3
    assert ask(client, "calls?model=another")["items"] == []


@pytest.mark.parametrize("path", ["calls?modle=x", "usage?group_by=weekday", "usage?cursor=x"])
def test_a_mistyped_parameter_is_refused(client, path):
    answer = client.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.get_json()["code"]) == (422, "query.invalid")


def test_a_record_says_which_call_it_reports_and_whether_its_word_counts(client):
    within = span(**usage(100, 10, 40))
    detail = {
        "eventName": "gen_ai.client.inference.operation.details",
        "timeUnixNano": str(NOW),
        "traceId": within["traceId"],
        "spanId": within["spanId"],
        "attributes": [
            attribute("gen_ai.operation.name", "chat"),
            attribute("gen_ai.usage.input_tokens", 100),
            attribute("gen_ai.usage.output_tokens", 10),
        ],
    }
    send(client, within)
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [detail]}]}]}
    client.post("/v1/logs", data=json.dumps(body), content_type="application/json")
    client.post("/api/v1/logs", json={"message": "no call"})

    records = {one["event"]: one for one in ask(client, "logs")["items"]}
    about_span = ask(client, f"logs/{records['chat']['id']}")["call"]
    about_detail = ask(client, f"logs/{records[detail['eventName']]['id']}")["call"]
    page = client.get(f"/r/{records[detail['eventName']]['id']}").text

    assert about_span["id"] == about_detail["id"]
    assert {"tokens_in", "tokens_out", "tokens_cache_read"} <= set(about_span["counts"])
    assert about_detail["counts"] == []
    assert {one["source"] for one in about_span["reports"]} == {"span", "detail"}
    assert ask(client, f"logs/{records[None]['id']}")["call"] is None
    assert ask(client, "usage")["total"]["tokens_in"] == 100
    assert "reported by 2 records, counted once" in page
    assert f"/r/{records['chat']['id']}" in page
    assert "inclusive" in page
