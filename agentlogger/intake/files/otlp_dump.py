"""Exports of OpenTelemetry in a file, as the Collector's file exporter writes them.

Either OTLP/JSON, an export a line, or messages with their length before them: protobuf, or what is
compressed one by one. A log record without a uid is given one, so that it is stored once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import zstandard
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentlogger.intake import signals
from agentlogger.intake.aliases import LOG_RECORD_UID
from agentlogger.intake.files.identities import EqualLines
from agentlogger.intake.files.opening import ZSTD, Line
from agentlogger.intake.files.parts import (
    LOGS_JSON,
    LOGS_PROTOBUF,
    TRACES_JSON,
    TRACES_PROTOBUF,
    Part,
    Refused,
    loads,
)
from agentlogger.limits import BODY_PLAIN_BYTES

FIELDS = {
    "resourceLogs": (LOGS_JSON, "scopeLogs", "logRecords"),
    "resourceSpans": (TRACES_JSON, "scopeSpans", "spans"),
}
"""By the field of an export: its door, and the fields below it."""

METRICS = "it is an export of metrics, which are not kept"
NOTHING = "it is no export of logs or traces"


def read(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The exports of a file."""
    equal = EqualLines()
    for line in lines:
        if line.fault:
            yield Refused(line.number, line.fault)
        elif line.content.strip():
            try:
                part = _part(line, equal)
            except ValueError as fault:
                yield Refused(line.number, str(fault))
            else:
                if part.records:
                    yield part


def _part(line: Line, equal: EqualLines) -> Part:
    """What a line or message holds. Raises ValueError, its text the reason."""
    content = line.content
    if content.startswith(ZSTD):
        try:
            # The exporter writes no size into its frames, so a bound must be given.
            content = zstandard.ZstdDecompressor().decompress(content, BODY_PLAIN_BYTES)
        except zstandard.ZstdError as fault:
            raise ValueError(f"it cannot be inflated ({fault})") from None
    name = equal.name(content)
    if content.lstrip()[:1] in (b"{", b"["):
        return _json(line.number, content, name)
    return _protobuf(line.number, content, name)


def _json(number: int, content: bytes, name: str) -> Part:
    try:
        export = loads(content)
    except ValueError as fault:
        raise ValueError(f"it {fault}") from None
    if not isinstance(export, dict):
        raise ValueError(NOTHING)  # noqa: TRY004  (of the file, not of a caller)
    if "resourceMetrics" in export:
        raise ValueError(METRICS)
    field = next((field for field in FIELDS if field in export), None)
    if field is None:
        raise ValueError(NOTHING)
    door, scopes, items = FIELDS[field]
    records = [
        item
        for wrapper in _list(export, field)
        for scope in _list(wrapper, scopes)
        for item in _list(scope, items)
    ]
    if door == LOGS_JSON:
        for index, item in enumerate(records):
            _name_record(item, f"{name}-{index}")
        content = json.dumps(export).encode()
    return Part(door, content, number, len(records))


def _list(holder: Any, field: str) -> list[Any]:
    found = holder.get(field) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _name_record(item: Any, name: str) -> None:
    """Give a record its uid, where it has none and is one at all: the door judges the others."""
    if not isinstance(item, dict):
        return
    attributes = item.setdefault("attributes", [])
    if isinstance(attributes, list) and not any(
        isinstance(each, dict) and each.get("key") == LOG_RECORD_UID for each in attributes
    ):
        attributes.append({"key": LOG_RECORD_UID, "value": {"stringValue": name}})


def _protobuf(number: int, content: bytes, name: str) -> Part:
    for signal, (message, holds) in signals.SIGNALS.items():
        try:
            request: Any = message.FromString(content)
        except DecodeError:
            continue
        if not holds(request):
            continue
        if isinstance(request, ExportLogsServiceRequest):
            return _log_records(number, request, name)
        if isinstance(request, ExportTraceServiceRequest):
            spans = [s for r in request.resource_spans for p in r.scope_spans for s in p.spans]
            return Part(TRACES_PROTOBUF, content, number, len(spans))
        raise ValueError(METRICS if signal == "metrics" else NOTHING)
    raise ValueError(NOTHING)


def _log_records(number: int, request: Any, name: str) -> Part:
    records = [
        record
        for wrapper in request.resource_logs
        for part in wrapper.scope_logs
        for record in part.log_records
    ]
    for index, record in enumerate(records):
        if not any(each.key == LOG_RECORD_UID for each in record.attributes):
            added = record.attributes.add(key=LOG_RECORD_UID)
            added.value.string_value = f"{name}-{index}"
    return Part(LOGS_PROTOBUF, request.SerializeToString(), number, len(records))
