"""The bytes of a record are read as protobuf's library reads them, whatever is done to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import otlp_protobuf, otlp_wire
from tests.intake.drawn_exports import resources
from tests.intake.exports import Map, Record, one, protobuf

RECORD = Record(
    time=1_795_331_040_000_000_000,
    observed=1_795_331_040_000_000_001,
    severity=9,
    severity_text="INFO",
    event_name="codex.api_request",
    body="hello",
    attributes=Map(
        [("session.id", "s-1"), ("count", 7), ("minus", -7), ("long", "x" * 300), ("yes", True)]
    ),
    dropped=3,
    flags=1,
    trace_id=b"t" * 16,
    span_id=b"s" * 8,
)


def told(read: Any, body: bytes) -> str:
    """What a reader makes of a body, with the types of all values: 1 and True are not the same."""
    try:
        found = list(read(body))
    except BodyUndecodable as refused:
        return str(refused)
    return repr([(plain(sent), plain(sent.group)) for sent in found])


def plain(made: Any) -> dict[str, Any]:
    values = {name: getattr(made, name) for name in made.__annotations__ if name != "group"}
    notes = values.pop("notes")
    of_all = notes if isinstance(notes, tuple) else (notes,)
    return values | {"notes": [(one.counts, one.sent) for one in of_all]}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(resources, max_size=2))
def test_both_readers_make_the_same_of_any_export(export):
    body = protobuf(export)

    assert told(otlp_wire.read, body) == told(otlp_protobuf.read, body)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_both_readers_have_the_same_verdict_on_damaged_bytes(data):
    body = bytearray(protobuf(one(**vars(RECORD))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["change", "cut", "double", "insert"])):
            case "change":
                body[place] = data.draw(st.integers(0, 255))
            case "cut":
                del body[place : place + data.draw(st.integers(1, 4))]
            case "double":
                body[place:place] = body[place : place + data.draw(st.integers(1, 30))]
            case "insert":
                body[place:place] = data.draw(st.binary(min_size=1, max_size=4))
        if not body:
            return

    assert told(otlp_wire.read, bytes(body)) == told(otlp_protobuf.read, bytes(body))


@pytest.mark.parametrize("name", ["attributes", "body", "severity_text", "event_name"])
def test_a_text_with_a_nul_is_replaced_and_noted(name):
    value = {"attributes": Map([("a\0", "b\0")])}.get(name, "b\0")
    body = protobuf(one(**(vars(RECORD) | {name: value})))

    (sent,) = otlp_wire.read(body)

    assert sent.notes.counts["text.nul"] >= 1
    assert told(otlp_wire.read, body) == told(otlp_protobuf.read, body)


def test_a_plain_record_is_read_without_the_library(monkeypatch):
    def never(*_: Any) -> Any:
        raise AssertionError("the library was asked for a record")

    body = protobuf(one(**vars(RECORD)))
    monkeypatch.setattr(otlp_protobuf, "sent", never)

    (sent,) = otlp_wire.read(body)

    assert sent.attributes["session.id"] == "s-1"


def test_keys_are_remembered_up_to_a_number(monkeypatch):
    monkeypatch.setattr(otlp_wire, "NAMES", 10)
    monkeypatch.setattr(otlp_wire, "_names", {})
    body = protobuf(one(attributes=Map([(f"key {n}", n) for n in range(100)])))

    (sent,) = otlp_wire.read(body)

    assert len(sent.attributes) == 100
    assert len(otlp_wire._names) <= 10


def test_fields_that_are_unknown_are_passed_over():
    inner = protobuf(one(**vars(RECORD)))
    message = ExportLogsServiceRequest.FromString(inner)
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    record.MergeFromString(b"\xf8\x06\x01")  # Field 111, a number.
    body = message.SerializeToString()

    assert told(otlp_wire.read, body) == told(otlp_protobuf.read, body)
    assert len(list(otlp_wire.read(body))) == 1
