"""OpenAI's Agents SDK sends here by its own exporter, and its ids stay the texts that they are."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.intake.readers import corpus
from tests.otlp.exchange import JSON, stored

DOOR = "/v1/traces/ingest"
HEADERS = {"OpenAI-Beta": "traces=v1", "Authorization": "Bearer none"}
"""Its exporter sends nothing without a key; here none is needed, and this is none of ours."""
TRACE, SPAN = "trace_" + "5d" * 16, "span_" + "0" * 23 + "1"


def send(client: FlaskClient, *data: Any) -> TestResponse:
    body = json.dumps({"data": data})
    # As its exporter does: a Bearer, and a header that says which traces these are.
    return client.post(DOOR, data=body, content_type=JSON, headers=HEADERS)


def trace(**fields: Any) -> dict[str, Any]:
    return {"object": "trace", "id": TRACE, "workflow_name": "shop", "group_id": "chat-7"} | fields


def span(**fields: Any) -> dict[str, Any]:
    return {
        "object": "trace.span",
        "id": SPAN,
        "trace_id": TRACE,
        "parent_id": None,
        "started_at": "2026-11-25T10:00:01.000100+00:00",
        "ended_at": "2026-11-25T10:00:01.500100+00:00",
        "span_data": {"type": "function", "name": "look_up", "input": "{}", "output": "7"},
        "error": None,
    } | fields


def test_a_trace_and_its_spans_are_stored(client: FlaskClient):
    answer = send(client, trace(), span())

    assert (answer.status_code, answer.get_json()["accepted"]) == (200, 2)
    found = {record["event"]: record for record in stored(client)}
    tool = found["function look_up"]
    assert (tool["trace_id"], tool["span_id"]) == (TRACE, SPAN)
    assert (tool["kind"], tool["tool"], tool["session_id"]) == ("tool", "look_up", "chat-7")
    assert tool["time"] == "2026-11-25T10:00:01.000100000Z"
    assert int(tool["duration_ns"]) == 500_000_000
    assert tool["attributes"]["span_data.output"] == "7"
    assert found["trace shop"]["attributes"]["workflow_name"] == "shop"


def test_what_is_sent_again_is_stored_once(client: FlaskClient):
    send(client, trace(), span())

    assert send(client, trace(), span(), span(id="span_2")).get_json() == {
        "sent": 3,
        "accepted": 1,
        "duplicates": 2,
        "rejected": [],
        "rejected_count": 0,
        "adjusted": {},
    }


def test_an_error_is_a_failure_in_words(client: FlaskClient):
    send(client, span(error={"message": "The tool broke", "data": {"error": "no"}}))

    (record,) = stored(client)
    assert (record["ok"], record["error_message"]) == (False, "The tool broke")
    assert record["attributes"]["error.data"] == {"error": "no"}


def test_an_item_that_is_none_is_refused_alone_and_named(client: FlaskClient):
    answer = send(client, trace(), 7, span(id=None), span(object=["trace"]), span())

    assert answer.status_code == 200
    receipt = answer.get_json()
    assert (receipt["accepted"], receipt["rejected_count"]) == (2, 3)
    assert [one["index"] for one in receipt["rejected"]] == [1, 2, 3]
    assert "id must be a text" in receipt["rejected"][1]["reason"]


def test_nothing_but_refused_items_is_an_error_with_the_reason(client: FlaskClient):
    answer = send(client, {"object": "session"})

    assert answer.status_code == 422
    assert "data[0]: object must be trace or trace.span" in answer.get_json()["message"]


def test_what_is_no_export_is_refused_whole(client: FlaskClient):
    for body in (b"", b"[]", b'{"resourceSpans": []}', b'{"data": {}}'):
        answer = client.post(DOOR, data=body, content_type=JSON)
        assert answer.status_code == 400, body
    assert client.post(DOOR, data=b"{}", content_type="text/plain").status_code == 415
    assert list(stored(client)) == []


def test_a_call_is_read_back_with_its_tokens_and_its_cost(client: FlaskClient):
    generation = next(
        one.requests[0] for one in corpus.scenarios() if "openai_agents: generations" in one.name
    )
    answer = client.post(generation[0], data=generation[1], content_type=JSON)

    assert answer.status_code == 200
    record = next(each for each in stored(client) if each["event"] == "generation")
    assert (record["tokens_in"], record["tokens_cache_read"]) == (812, 300)
    assert (record["tokens_out"], record["tokens_reasoning"]) == (95, 30)
    assert (record["tokens_tool"], record["usage_rule"]) == (None, "inclusive")
    # 512 tokens at 2.5, 300 at 1.25 and 95 at 10 dollars a million.
    assert (record["cost_micro_usd"], record["cost_source"]) == (2_605, "computed")
    assert record["price_version"].startswith("genai-prices ")
    page = client.get(f"/r/{record['id']}").get_data(as_text=True)
    assert "usage_rule" in page
    assert "2605" in page
