"""What OpenTelemetry's own instrumentations send becomes the columns that people ask for.

The payloads have the shapes that were recorded in November 2026, with texts of our own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlogger.intake import batches
from agentlogger.intake.record import Record
from tests.intake.exports import Map
from tests.intake.exports import Record as Given
from tests.intake.rows import OBSERVED, RECEIVED, rows

TRACE, SPAN = bytes.fromhex("7f" * 16), bytes.fromhex("3c" * 8)


def genai(event: str, *, as_field: bool, body: Any = None, **attributes: Any) -> Record:
    """A GenAI event, named in the record's own field or in an attribute; no time, no severity."""
    named = {} if as_field else {"event.name": event}
    given = Given(
        observed=OBSERVED,
        event_name=event if as_field else "",
        body=body,
        attributes=Map((named | attributes).items()),
        trace_id=TRACE,
        span_id=SPAN,
        flags=3,
    )
    (row,) = rows(given, scope="an instrumentation", resource={"service.name": "shop-agent"})
    return row


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("gen_ai.system.message", "prompt"),
        ("gen_ai.user.message", "prompt"),
        ("gen_ai.assistant.message", "response"),
        ("gen_ai.tool.message", "tool"),
        ("gen_ai.choice", "response"),
    ],
)
@pytest.mark.parametrize("as_field", [True, False], ids=["the field", "the attribute"])
def test_genai_messages_of_the_first_vintage(event: str, kind: str, *, as_field: bool) -> None:
    body = Map([("role", "user"), ("content", "refund order 7")])
    row = genai(event, as_field=as_field, body=body, **{"gen_ai.system": "openai"})
    assert (row.event, row.kind, row.provider) == (event, kind, "openai")
    assert row.body == {"role": "user", "content": "refund order 7"}
    assert (row.trace_id, row.span_id, row.flags) == ("7f" * 16, "3c" * 8, 3)
    assert (row.run_id, row.agent) == ("7f" * 16, "shop-agent")
    assert (row.ts_source, row.severity_source) == ("observed", "derived")


def test_genai_details_of_the_second_vintage_keep_their_messages_structured() -> None:
    parts = [Map([("type", "text"), ("content", "refund order 7")])]
    messages = [Map([("role", "user"), ("parts", parts)])]
    row = genai(
        "gen_ai.client.inference.operation.details",
        as_field=True,
        **{
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5.1",
            "gen_ai.response.model": "gpt-5.1-2026-01-01",
            "gen_ai.response.id": "resp_1",
            "gen_ai.conversation.id": "conv_1",
            "gen_ai.input.messages": messages,
            "gen_ai.usage.input_tokens": 12,
        },
    )
    assert (row.kind, row.provider, row.model) == ("llm", "openai", "gpt-5.1-2026-01-01")
    assert (row.request_id, row.session_id) == ("resp_1", "conv_1")
    assert row.attributes["gen_ai.input.messages"] == [
        {"role": "user", "parts": [{"type": "text", "content": "refund order 7"}]}
    ]


def test_genai_names_of_the_third_vintage() -> None:
    row = genai(
        "gen_ai.client.operation.exception",
        as_field=True,
        **{
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.agent.name": "planner",
            "gen_ai.tool.name": "search",
            "gen_ai.tool.call.id": "call_9",
            "exception.type": "TimeoutError",
            "exception.message": "too slow",
        },
    )
    assert (row.kind, row.agent, row.tool, row.tool_call_id) == (
        "error", "planner", "search", "call_9",
    )  # fmt: skip
    assert (row.error_type, row.error_message, row.ok) == ("TimeoutError", "too slow", False)
    assert row.severity_number == 17
    row = genai("gen_ai.evaluation.result", as_field=True, **{"gen_ai.evaluation.name": "tone"})
    assert (row.kind, row.severity_number) == ("eval", 9)


def test_python_logging() -> None:
    given = Given(
        time=OBSERVED,
        observed=OBSERVED + 500,
        severity=17,
        severity_text="ERROR",
        body="{'dict': 'body', 'n': 1}",
        attributes=Map(
            [
                ("code.file.path", "shop.py"),
                ("code.line.number", 7),
                ("exception.type", "ValueError"),
                ("exception.message", "no such order"),
                ("ratio", 0.5),
                ("raw", b"\0\1\2"),
                ("nested", Map([("a", [1, True, None])])),
                ("nothing", None),
            ]
        ),
        trace_id=TRACE,
        span_id=SPAN,
        flags=3,
    )
    (row,) = rows(given, scope="shop.refunds", resource={"service.name": "shop"})
    assert (row.severity_number, row.severity_text, row.severity_source) == (17, "ERROR", "emitted")
    assert row.scope == {"name": "shop.refunds"}
    assert row.body == "{'dict': 'body', 'n': 1}", "a text stays the text that was sent"
    assert (row.event, row.kind, row.ok) == (None, "log", False)
    assert (row.error_type, row.error_message) == ("ValueError", "no such order")
    assert (row.ts_ns, row.observed_ns) == (OBSERVED, OBSERVED + 500)
    assert row.attributes["raw"] == "AAEC"
    assert row.attributes["nested"] == {"a": [1, True, None]}
    assert row.attributes["nothing"] is None


def test_javascripts_json_with_what_its_numbers_and_texts_can_be() -> None:
    body = (
        '{"resourceLogs":[{"resource":{"attributes":[],"droppedAttributesCount":0},"scopeLogs":[{'
        '"scope":{"name":"js","version":""},"schemaUrl":"https://example.org/s","logRecords":[{'
        '"timeUnixNano":"1795331039500000000","observedTimeUnixNano":"1795331039500000000",'
        '"body":{},"eventName":"shop.refund","droppedAttributesCount":0,"attributes":['
        '{"key":"small","value":{"intValue":42}},'
        '{"key":"huge","value":{"intValue":100000000000000000000}},'
        '{"key":"none","value":{"doubleValue":null}},'
        '{"key":"undefined","value":{}},'
        '{"key":"lone","value":{"stringValue":"\\ud800"}},'
        '{"key":"nul","value":{"stringValue":"a\\u0000b"}}]}]}]}]}'
    )
    (row,) = batches.from_otlp_json(body.encode(), RECEIVED).records
    assert row.attributes == {
        "small": 42,
        "huge": "100000000000000000000",
        "none": None,
        "undefined": None,
        "lone": "\ufffd",
        "nul": "a\ufffdb",
    }
    assert (row.event, row.body) == ("shop.refund", None)
    assert row.envelope == {"scope_schema_url": "https://example.org/s"}
    assert set(row.adjustments or {}) == {"number.range", "text.nul", "text.surrogate"}


def test_rusts_json_with_every_default_written() -> None:
    record = {
        "timeUnixNano": "0",
        "observedTimeUnixNano": str(OBSERVED),
        "severityNumber": 9,
        "severityText": "INFO",
        "body": None,
        "attributes": [{"key": "event.name", "value": {"stringValue": "codex.user_prompt"}}],
        "droppedAttributesCount": 0,
        "flags": 0,
        "traceId": "",
        "spanId": "",
        "eventName": "event a.rs:1",
    }
    scope = {"name": "s", "version": "", "attributes": [], "droppedAttributesCount": 0}
    resource = {"attributes": [], "droppedAttributesCount": 0, "entityRefs": []}
    export = {
        "resourceLogs": [
            {
                "resource": resource,
                "scopeLogs": [{"scope": scope, "logRecords": [record], "schemaUrl": ""}],
                "schemaUrl": "",
            }
        ]
    }
    (row,) = batches.from_otlp_json(json.dumps(export).encode(), RECEIVED).records
    assert (row.event, row.ts_ns, row.ts_source) == ("codex.user_prompt", OBSERVED, "observed")
    assert (row.body, row.trace_id, row.flags, row.envelope) == (None, None, None, None)
    assert row.scope == {"name": "s"}
    assert row.adjustments is None
