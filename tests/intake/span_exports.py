"""Exports of spans, written by hand in both of OTLP's encodings; see `exports`."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.intake.exports import NONE, Map, json_value, part, protobuf_value, varint


@dataclass
class Event:
    """A span's event."""

    time: int = 0
    name: str = ""
    attributes: Map = NONE
    dropped: int = 0


@dataclass
class Link:
    """A span's link."""

    trace_id: bytes = b""
    span_id: bytes = b""
    trace_state: str = ""
    attributes: Map = NONE
    dropped: int = 0
    flags: int = 0


@dataclass
class Span:
    """A Span; ids are bytes, times nanoseconds, `kind` and `status` their enums' numbers."""

    trace_id: bytes = b""
    span_id: bytes = b""
    trace_state: str = ""
    parent: bytes = b""
    name: str = ""
    kind: int = 0
    start: int = 0
    end: int = 0
    attributes: Map = NONE
    dropped: int = 0
    events: list[Event] = field(default_factory=list)
    dropped_events: int = 0
    links: list[Link] = field(default_factory=list)
    dropped_links: int = 0
    status: int = 0
    status_message: str = ""
    flags: int = 0


def _text(number: int, text: str) -> bytes:
    return part(number, text.encode()) if text else b""


def _bytes(number: int, content: bytes) -> bytes:
    return part(number, content) if content else b""


def _number(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value) if value else b""


def _fixed64(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def _fixed32(number: int, value: int) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<I", value)


def _pairs(number: int, pairs: Map) -> bytes:
    return b"".join(
        part(number, _text(1, key) + part(2, protobuf_value(value))) for key, value in pairs
    )


def protobuf(spans: list[Span], resource: Map = NONE, scope: str = "") -> bytes:
    """An ExportTraceServiceRequest on the wire, of one scope of one resource."""
    written = b"".join(part(2, _protobuf(span)) for span in spans)
    scopes = part(2, part(1, _text(1, scope)) + written)
    return part(1, part(1, _pairs(1, resource)) + scopes)


def _protobuf(span: Span) -> bytes:
    events = b"".join(
        part(
            11,
            _fixed64(1, each.time)
            + _text(2, each.name)
            + _pairs(3, each.attributes)
            + _number(4, each.dropped),
        )
        for each in span.events
    )
    links = b"".join(
        part(
            13,
            _bytes(1, each.trace_id)
            + _bytes(2, each.span_id)
            + _text(3, each.trace_state)
            + _pairs(4, each.attributes)
            + _number(5, each.dropped)
            + _fixed32(6, each.flags),
        )
        for each in span.links
    )
    return (
        _bytes(1, span.trace_id)
        + _bytes(2, span.span_id)
        + _text(3, span.trace_state)
        + _bytes(4, span.parent)
        + _text(5, span.name)
        + _number(6, span.kind)
        + _fixed64(7, span.start)
        + _fixed64(8, span.end)
        + _pairs(9, span.attributes)
        + _number(10, span.dropped)
        + events
        + _number(12, span.dropped_events)
        + links
        + _number(14, span.dropped_links)
        + part(15, _text(2, span.status_message) + _number(3, span.status))
        + _fixed32(16, span.flags)
    )


def _json_pairs(pairs: Map) -> list[dict[str, Any]]:
    return [{"key": key, "value": json_value(value)} for key, value in pairs]


def json_text(spans: list[Span], resource: Map = NONE, scope: str = "") -> bytes:
    """The same as a body of OTLP/JSON."""
    written = [_json(span) for span in spans]
    scopes = [{"scope": {"name": scope}, "spans": written}]
    wrapper = {"resource": {"attributes": _json_pairs(resource)}, "scopeSpans": scopes}
    return json.dumps({"resourceSpans": [wrapper]}).encode()


def _json(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "traceState": span.trace_state,
        "parentSpanId": span.parent.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _json_pairs(span.attributes),
        "droppedAttributesCount": span.dropped,
        "events": [
            {
                "timeUnixNano": str(each.time),
                "name": each.name,
                "attributes": _json_pairs(each.attributes),
                "droppedAttributesCount": each.dropped,
            }
            for each in span.events
        ],
        "droppedEventsCount": span.dropped_events,
        "links": [
            {
                "traceId": each.trace_id.hex(),
                "spanId": each.span_id.hex(),
                "traceState": each.trace_state,
                "attributes": _json_pairs(each.attributes),
                "droppedAttributesCount": each.dropped,
                "flags": each.flags,
            }
            for each in span.links
        ],
        "droppedLinksCount": span.dropped_links,
        "status": {"message": span.status_message, "code": span.status},
        "flags": span.flags,
    }
