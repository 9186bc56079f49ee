"""What the SDK handed to its exporter, as the API must give it back: field by field."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import format_span_id, format_trace_id

UNSET_SEVERITY = 9
"""What a record without a severity counts as, where nothing in it tells of a failure."""

FIELDS = (
    "ts_ns", "ts_source", "ts_sent", "observed_ns", "severity_number", "severity_text",
    "severity_source", "event_name", "body", "trace_id", "span_id", "flags", "attributes",
    "resource", "scope", "adjustments",
)  # fmt: skip
"""The fields of a record that hold what was sent; the others are made from these."""


def as_read(sent: ReadableLogRecord) -> dict[str, Any]:
    """The record as the API must give it back, as far as it was sent."""
    record = sent.log_record
    severity = record.severity_number.value if record.severity_number else 0
    return {
        "ts_ns": str(record.timestamp or record.observed_timestamp),
        "ts_source": "emitted" if record.timestamp else "observed",
        "ts_sent": None,
        "observed_ns": str(record.observed_timestamp),
        "severity_number": severity or UNSET_SEVERITY,
        "severity_text": record.severity_text or None,
        "severity_source": "emitted" if severity else "derived",
        "event_name": record.event_name or None,
        "body": as_json(record.body),
        "trace_id": format_trace_id(record.trace_id) if record.trace_id else None,
        "span_id": format_span_id(record.span_id) if record.span_id else None,
        "flags": int(record.trace_flags or 0) or None,
        "attributes": as_json(record.attributes or {}),
        "resource": as_json(sent.resource.attributes),
        "scope": _scope(sent),
        "adjustments": None,
    }


def _scope(sent: ReadableLogRecord) -> dict[str, Any] | None:
    scope = sent.instrumentation_scope
    assert scope is not None
    parts = {
        "name": scope.name,
        "version": scope.version,
        "attributes": as_json(scope.attributes or {}),
    }
    return {name: part for name, part in parts.items() if part} or None


def as_json(value: Any) -> Any:
    """A value as JSON has it: bytes are base64 text, which OpenTelemetry asks for outside OTLP."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {key: as_json(item) for key, item in value.items()}
        case str():
            return value
        case Sequence():
            return [as_json(item) for item in value]
        case _:
            return value


def sent_part(read: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record read back that hold what was sent."""
    return {name: read[name] for name in FIELDS}


def exactly(value: Any) -> Any:
    """A value that equals another only in type, too: to Python 1, 1.0 and True are equal."""
    match value:
        case dict():
            return {key: exactly(item) for key, item in value.items()}
        case list():
            return [exactly(item) for item in value]
        case bool() | int() | float():
            # Of a double, repr tells every bit, and minus zero from zero.
            return f"{type(value).__name__} {value!r}"
        case _:
            return value
