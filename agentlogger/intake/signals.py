"""Which signal an OTLP export in protobuf is of, where it came to the door of another one.

The wrappers of all signals have the same numbers, so that the library reads each as any other: of
a span at the door of logs it makes a record that says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import ids


def holds_spans(request: Any) -> bool:
    """Whether an ExportTraceServiceRequest has a span that is one: with both of its ids."""
    return any(
        len(span.trace_id) == ids.TRACE_ID_BYTES and len(span.span_id) == ids.SPAN_ID_BYTES
        for span in _items(request.resource_spans, "scope_spans", "spans")
    )


def holds_metrics(request: Any) -> bool:
    """Whether an ExportMetricsServiceRequest has a metric that is one: with a name and data."""
    return any(
        metric.name and metric.WhichOneof("data")
        for metric in _items(request.resource_metrics, "scope_metrics", "metrics")
    )


def holds_records(request: Any) -> bool:
    """Whether an ExportLogsServiceRequest has a record that says anything of its own."""
    return any(
        record.time_unix_nano or record.severity_number or record.HasField("body")
        for record in _items(request.resource_logs, "scope_logs", "log_records")
    )


SIGNALS: dict[str, tuple[type[Message], Callable[[Any], bool]]] = {
    "traces": (ExportTraceServiceRequest, holds_spans),
    "metrics": (ExportMetricsServiceRequest, holds_metrics),
    "logs": (ExportLogsServiceRequest, holds_records),
}
"""What an export of each is, and how it is told; the most certain first."""


def refusal(body: bytes, door: str) -> BodyUndecodable | None:
    """The refusal of a body that is an export of another signal than the door's; else None."""
    for signal, (request, holds) in SIGNALS.items():
        if signal == door:
            continue
        try:
            found = holds(request.FromString(body))
        except DecodeError:
            found = False
        if found:
            return BodyUndecodable(
                f"The body is an export of {signal}, so nothing of it was read: send it to "
                f"/v1/{signal}."
            )
    return None


def _items(wrappers: Any, parts: str, items: str) -> Iterator[Any]:
    for wrapper in wrappers:
        for part in getattr(wrapper, parts):
            yield from getattr(part, items)
