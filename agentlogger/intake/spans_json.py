"""OTLP/JSON: from the bytes of an export of traces to what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agentlogger.intake import ids, otlp_fields, otlp_json, spans
from agentlogger.intake.exact_json import Repeated
from agentlogger.intake.record import Rejection
from agentlogger.intake.sent import Sent
from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments

KINDS: dict[str, int] = dict(Span.SpanKind.items())
STATUSES: dict[str, int] = dict(Status.StatusCode.items())
WRAPPERS = ("resourceSpans", "scopeSpans", "spans")


def read(body: bytes) -> Iterator[Sent | Rejection]:
    """The spans of an export, in order, each with its events. Raises BodyUndecodable."""
    return _walk(otlp_json.export(body, "traces"))


def _walk(request: dict[str, Any]) -> Iterator[Sent | Rejection]:
    for group, index, span in otlp_json.items(request, WRAPPERS):
        if isinstance(span, dict):
            yield spans.sent(_span(span), group)
        else:
            reason = f"a span must be an object, and this is {shown(span)}"
            yield Rejection(index, "record.not_object", reason)


def _span(span: dict[str, Any]) -> spans.Read:
    notes = _notes(span)
    status = otlp_fields.inner(span, "status", notes)
    return spans.Read(
        trace_id=otlp_json.id_of(span, "traceId", ids.TRACE_ID_BYTES, notes),
        span_id=otlp_json.id_of(span, "spanId", ids.SPAN_ID_BYTES, notes),
        parent_span_id=otlp_json.id_of(span, "parentSpanId", ids.SPAN_ID_BYTES, notes),
        name=otlp_fields.text(span, "name", notes),
        kind=otlp_fields.enum(span, "kind", KINDS, notes),
        start_ns=otlp_fields.nanoseconds(span, "startTimeUnixNano", notes),
        end_ns=otlp_fields.nanoseconds(span, "endTimeUnixNano", notes),
        attributes=otlp_json.attributes_of(span, notes, 1),
        dropped_attributes_count=otlp_fields.count(span, "droppedAttributesCount", notes),
        flags=otlp_fields.count(span, "flags", notes),
        status=otlp_fields.enum(status, "code", STATUSES, notes),
        status_message=otlp_fields.text(status, "message", notes),
        around={
            "trace_state": otlp_fields.text(span, "traceState", notes),
            "links": [_link(link, notes) for link in _objects(span, "links", notes)],
            "dropped_events_count": otlp_fields.count(span, "droppedEventsCount", notes),
            "dropped_links_count": otlp_fields.count(span, "droppedLinksCount", notes),
        },
        events=[_event(event) for event in _objects(span, "events", notes)],
        notes=notes,
    )


def _link(link: dict[str, Any], notes: Adjustments) -> dict[str, Any]:
    read = {
        "trace_id": otlp_json.id_of(link, "traceId", ids.TRACE_ID_BYTES, notes),
        "span_id": otlp_json.id_of(link, "spanId", ids.SPAN_ID_BYTES, notes),
        "trace_state": otlp_fields.text(link, "traceState", notes),
        "attributes": otlp_json.attributes_of(link, notes, 4),
        "dropped_attributes_count": otlp_fields.count(link, "droppedAttributesCount", notes),
        "flags": otlp_fields.count(link, "flags", notes),
    }
    return {name: item for name, item in read.items() if item}


def _event(event: dict[str, Any]) -> spans.Event:
    notes = _notes(event)
    return spans.Event(
        time_ns=otlp_fields.nanoseconds(event, "timeUnixNano", notes),
        name=otlp_fields.text(event, "name", notes),
        attributes=otlp_json.attributes_of(event, notes, 1),
        dropped_attributes_count=otlp_fields.count(event, "droppedAttributesCount", notes),
        notes=notes,
    )


def _objects(span: dict[str, Any], name: str, notes: Adjustments) -> list[dict[str, Any]]:
    """The messages of a list within a span; what is none is left out and marked.

    The span around them is worth more than its list, so nothing here refuses it.
    """
    found = otlp_fields.field(span, name, notes)
    if found is not None and not isinstance(found, list):
        notes.note("field.invalid", sent=f"{name}: {shown(found)}")
        return []
    for item in found or []:
        if not isinstance(item, dict):
            notes.note("field.invalid", sent=f"{name}: {shown(item)}")
    return [item for item in found or [] if isinstance(item, dict)]


def _notes(message: dict[str, Any]) -> Adjustments:
    notes = Adjustments()
    if isinstance(message, Repeated):
        notes.note("key.duplicate", message.repeats)
    return notes
