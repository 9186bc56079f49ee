"""Every value that OTLP allows is taken; what no database holds is replaced."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.conformance.exports import (
    ENCODINGS,
    LOGS,
    SIGNALS,
    SPAN_ID,
    TRACE_ID,
    TRACES,
    export,
    one,
    require_success,
    require_taken,
    written,
)
from tests.conformance.target import JSON, PROTOBUF, Target

VALUES: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({"stringValue": "naïve ✓ 漢字 🦜 \u202e"}, "naïve ✓ 漢字 🦜 \u202e"),
    "text.empty": ({"stringValue": ""}, ""),
    "yes": ({"boolValue": True}, True),
    "no": ({"boolValue": False}, False),
    "int": ({"intValue": "42"}, 42),
    "int.zero": ({"intValue": "0"}, 0),
    "int.smallest": ({"intValue": str(-(2**63))}, -(2**63)),
    "int.largest": ({"intValue": str(2**63 - 1)}, 2**63 - 1),
    "int.beyond_doubles": ({"intValue": str(2**53 + 1)}, 2**53 + 1),
    "double": ({"doubleValue": 0.1 + 0.2}, 0.1 + 0.2),
    "nan": ({"doubleValue": "NaN"}, "NaN"),
    "infinite": ({"doubleValue": "Infinity"}, "Infinity"),
    "infinite.negative": ({"doubleValue": "-Infinity"}, "-Infinity"),
    "bytes": ({"bytesValue": "AAH/"}, "AAH/"),
    "bytes.empty": ({"bytesValue": ""}, ""),
    "list": (
        {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "two"}, {}]}},
        [1, "two", None],
    ),
    "list.empty": ({"arrayValue": {}}, []),
    "map": (
        {
            "kvlistValue": {
                "values": [
                    {"key": "a", "value": {"kvlistValue": {"values": [{"key": "b", "value": {}}]}}},
                    {"key": "c", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
                ]
            }
        },
        {"a": {"b": None}, "c": [True]},
    ),
    "map.empty": ({"kvlistValue": {}}, {}),
    "nothing": ({}, None),
}
"""Each kind of AnyValue in OTLP/JSON, and how it is read back."""


def attribute(key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


@SIGNALS
@ENCODINGS
def test_each_kind_of_value_is_kept_as_an_attribute(target: Target, session, signal, media_type):
    attributes = [attribute(name, sent) for name, (sent, _) in VALUES.items()]
    body = written(signal, media_type, export(signal, session, one(signal, attributes=attributes)))

    require_taken(target.post(signal.path, body, media_type), signal, media_type)
    for record in target.stored(session) or []:
        assert record["attributes"] == {name: wanted for name, (_, wanted) in VALUES.items()}


@ENCODINGS
def test_each_kind_of_value_is_kept_as_a_body(target: Target, session, media_type):
    records = [one(LOGS, body=sent, timeUnixNano=str(n + 1)) for n, (sent, _) in _numbered()]
    body = written(LOGS, media_type, export(LOGS, session, *records))

    require_taken(target.post(LOGS.path, body, media_type), LOGS, media_type)
    found = target.stored(session)
    if found is not None:
        assert [record["body"] for record in reversed(found)] == [
            wanted for _, wanted in VALUES.values()
        ]


def _numbered() -> Any:
    return enumerate(VALUES.values())


@pytest.mark.parametrize("given", ["10", 10], ids=["text", "number"])
def test_an_integer_is_text_or_a_number(target: Target, session, given):
    record = one(LOGS, severityNumber=9, attributes=[attribute("n", {"intValue": given})])
    record["timeUnixNano"] = type(given)(1_700_000_000_123_456_789)
    body = written(LOGS, JSON, export(LOGS, session, record))

    require_success(target.post(LOGS.path, body, JSON), LOGS, JSON)
    for stored in target.stored(session) or []:
        assert (stored["attributes"], stored["ts_ns"]) == ({"n": 10}, "1700000000123456789")


@SIGNALS
@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_ids_are_hex_in_any_case(target: Target, session, signal, change):
    record = one(signal, traceId=change(TRACE_ID), spanId=change(_own_span(session)))
    body = written(signal, JSON, export(signal, session, record))

    require_success(target.post(signal.path, body, JSON), signal, JSON)
    for stored in target.stored(session) or []:
        assert (stored["trace_id"], stored["span_id"]) == (TRACE_ID, _own_span(session))


def _own_span(session: str) -> str:
    return session.replace("-", "")[:16]


@SIGNALS
def test_ids_in_base64_are_read_as_what_they_are(target: Target, session, signal):
    """Some exporters leave them to protobuf's own JSON."""
    span_id = _own_span(session)
    record = one(
        signal,
        traceId=base64.b64encode(bytes.fromhex(TRACE_ID)).decode(),
        spanId=base64.b64encode(bytes.fromhex(span_id)).decode(),
    )
    target.require_agentlogger("ids in base64")
    body = written(signal, JSON, export(signal, session, record))

    require_taken(target.post(signal.path, body, JSON), signal, JSON)
    (stored,) = target.stored(session) or []
    assert (stored["trace_id"], stored["span_id"]) == (TRACE_ID, span_id)


@pytest.mark.parametrize("media_type", [PROTOBUF, JSON], ids=["protobuf", "json"])
@pytest.mark.parametrize("length", [1, 15, 24], ids="{} bytes".format)
def test_an_id_of_another_length_refuses_no_log_record(target: Target, session, media_type, length):
    record = one(LOGS, traceId="ab" * length, spanId=SPAN_ID)
    body = written(LOGS, media_type, export(LOGS, session, record))

    require_taken(target.post(LOGS.path, body, media_type), LOGS, media_type)
    for stored in target.stored(session) or []:
        assert stored["trace_id"] is None
        assert "trace_id.invalid" in stored["adjustments"]


@ENCODINGS
def test_an_id_of_zeros_counts_as_none(target: Target, session, media_type):
    record = one(LOGS, traceId="0" * 32, spanId="0" * 16)
    body = written(LOGS, media_type, export(LOGS, session, record))

    require_taken(target.post(LOGS.path, body, media_type), LOGS, media_type)
    for stored in target.stored(session) or []:
        assert (stored["trace_id"], stored["span_id"]) == (None, None)


@SIGNALS
@ENCODINGS
def test_of_equal_keys_the_last_one_wins(target: Target, session, signal, media_type):
    twice = [attribute("k", {"stringValue": word}) for word in ("first", "last")]
    body = written(signal, media_type, export(signal, session, one(signal, attributes=twice)))

    require_taken(target.post(signal.path, body, media_type), signal, media_type)
    for stored in target.stored(session) or []:
        assert stored["attributes"] == {"k": "last"}


@ENCODINGS
def test_a_nul_in_a_text_refuses_nothing_and_is_told(target: Target, session, media_type):
    body = written(LOGS, media_type, export(LOGS, session, one(LOGS, "a\0b")))

    message = require_taken(target.post(LOGS.path, body, media_type), LOGS, media_type)
    for stored in target.stored(session) or []:
        assert stored["body"] == "a\ufffdb"
        assert "NUL" in message


def test_a_lone_surrogate_refuses_nothing_and_is_told(target: Target, session):
    body = written(LOGS, JSON, export(LOGS, session, one(LOGS, "a\ud800b")))

    message = require_taken(target.post(LOGS.path, body, JSON), LOGS, JSON)
    for stored in target.stored(session) or []:
        assert stored["body"] == "a\ufffdb"
        assert "surrogate" in message


def test_names_of_enums_and_fields_in_snake_case_are_read_and_told(target: Target, session):
    """OTLP/JSON allows neither, and writers by protobuf's own JSON send both."""
    target.require_agentlogger("what becomes of them")
    record = one(LOGS, severityNumber="SEVERITY_NUMBER_WARN")
    record["time_unix_nano"] = record.pop("timeUnixNano")
    body = written(LOGS, JSON, export(LOGS, session, record))

    assert require_taken(target.post(LOGS.path, body, JSON), LOGS, JSON)
    (stored,) = target.stored(session) or []
    assert (stored["severity_number"], stored["ts_source"]) == (13, "emitted")
    assert {"severity.name", "field.snake_case"} <= stored["adjustments"].keys()


def test_a_span_is_read_back_whole(target: Target, session):
    parent, begun = "00f067aa0ba902b7", 1_700_000_000_000_000_001
    event = {"timeUnixNano": str(begun + 5), "name": "first token"}
    link = {"traceId": TRACE_ID, "spanId": parent, "traceState": "a=b"}
    record = one(
        TRACES,
        "chat",
        parentSpanId=parent,
        kind=3,
        traceState="vendor=1",
        startTimeUnixNano=str(begun),
        endTimeUnixNano=str(begun + 7),
        events=[event],
        links=[link],
        status={"code": 2, "message": "it broke"},
    )
    for media_type in (PROTOBUF, JSON):
        body = written(TRACES, media_type, export(TRACES, session, record))
        require_success(target.post(TRACES.path, body, media_type), TRACES, media_type)

    records = target.stored(session)
    if records is None:
        return
    found = {stored["event"]: stored for stored in records}
    assert found.keys() == {"chat", "first token"}
    span = found["chat"]
    assert (span["parent_span_id"], span["ts_ns"]) == (parent, str(begun))
    assert (span["duration_ns"], span["ok"], span["error_message"]) == (7, False, "it broke")
    assert span["envelope"]["span"]["kind"] == "client"
    assert span["envelope"]["span"]["trace_state"] == "vendor=1"
    assert span["envelope"]["span"]["links"][0]["span_id"] == parent
    assert found["first token"]["span_id"] == span["span_id"]


def test_json_is_utf_8_even_where_it_is_not_escaped(target: Target, session):
    content = export(LOGS, session, one(LOGS, "naïve 漢字 🦜"))
    body = json.dumps(content, ensure_ascii=False).encode()

    require_success(target.post(LOGS.path, body, JSON), LOGS, JSON)
    for stored in target.stored(session) or []:
        assert stored["body"] == "naïve 漢字 🦜"
