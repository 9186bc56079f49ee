"""OTLP protobuf: from the bytes of an ExportTraceServiceRequest to what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import deep_protobuf, ids, signals, spans, storable, values
from agentlogger.intake.otlp_protobuf import attributes, groups
from agentlogger.intake.sent import Sent
from agentlogger.intake.storable import Adjustments


def read(body: bytes) -> Iterator[Sent]:
    """The spans of an export, in order, each with its events.

    Raises BodyUndecodable or BodyTooLarge.
    """
    values.bound_protobuf(body)
    request: Any
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        request = deep_protobuf.parse(body, ExportTraceServiceRequest)
    if request is None or not signals.holds_spans(request):
        another = signals.refusal(body, "traces")
        if another is not None:
            raise another
    if request is None:
        raise BodyUndecodable(
            "The body is not an ExportTraceServiceRequest in protobuf, so nothing of it was read: "
            "check that the exporter is one for traces and that the Content-Type is right."
        )
    values.bound_length(len(request.resource_spans))
    return _walk(request)


def _walk(request: Any) -> Iterator[Sent]:
    for group, part in groups(request.resource_spans, "scope_spans"):
        values.bound_length(len(part.spans))
        for span in part.spans:
            yield spans.sent(_span(span), group)


def _span(span: Any) -> spans.Read:
    notes = Adjustments()
    return spans.Read(
        trace_id=ids.from_bytes(span.trace_id, ids.TRACE_ID_BYTES, notes),
        span_id=ids.from_bytes(span.span_id, ids.SPAN_ID_BYTES, notes),
        parent_span_id=ids.from_bytes(span.parent_span_id, ids.SPAN_ID_BYTES, notes),
        name=storable.text(span.name, notes),
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=attributes(span.attributes, notes, 1),
        dropped_attributes_count=span.dropped_attributes_count,
        flags=span.flags,
        status=span.status.code,
        status_message=storable.text(span.status.message, notes),
        around={
            "trace_state": storable.text(span.trace_state, notes),
            "links": [_link(link, notes) for link in span.links],
            "dropped_events_count": span.dropped_events_count,
            "dropped_links_count": span.dropped_links_count,
        },
        events=[_event(event) for event in span.events],
        notes=notes,
    )


def _link(link: Any, notes: Adjustments) -> dict[str, Any]:
    read = {
        "trace_id": ids.from_bytes(link.trace_id, ids.TRACE_ID_BYTES, notes),
        "span_id": ids.from_bytes(link.span_id, ids.SPAN_ID_BYTES, notes),
        "trace_state": storable.text(link.trace_state, notes),
        "attributes": attributes(link.attributes, notes, 4),
        "dropped_attributes_count": link.dropped_attributes_count,
        "flags": link.flags,
    }
    return {name: item for name, item in read.items() if item}


def _event(event: Any) -> spans.Event:
    notes = Adjustments()
    return spans.Event(
        time_ns=event.time_unix_nano,
        name=storable.text(event.name, notes),
        attributes=attributes(event.attributes, notes, 1),
        dropped_attributes_count=event.dropped_attributes_count,
        notes=notes,
    )
