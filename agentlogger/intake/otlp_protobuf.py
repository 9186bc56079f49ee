"""OTLP protobuf: from the bytes of an ExportLogsServiceRequest to what was sent.

A walk by hand over the messages: `MessageToDict` costs five times as much (measured). What wraps
records is built alike for all signals, and read here for all of them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import deep_protobuf, ids, signals, storable, values
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import ATTRIBUTES_READ, DEPTH


def read(body: bytes) -> Iterator[Sent]:
    """The records of an export, in order. Raises BodyUndecodable or BodyTooLarge."""
    values.bound_protobuf(body)
    request: Any
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        request = deep_protobuf.parse(body, ExportLogsServiceRequest)
    if request is not None:
        values.bound_length(len(request.resource_logs))
    if request is None or is_of_another_signal(_first(request)):
        raise undecodable(body)
    return _walk(request)


def undecodable(body: bytes) -> BodyUndecodable:
    """What a body is refused with that holds no log records."""
    return signals.refusal(body, "logs") or BodyUndecodable(
        "The body is not an ExportLogsServiceRequest in protobuf, so nothing of it was read: "
        "check that the exporter is one for logs and that the Content-Type is right."
    )


def _first(request: Any) -> Any | None:
    return next(
        (
            record
            for wrapper in request.resource_logs
            for part in wrapper.scope_logs
            for record in part.log_records
        ),
        None,
    )


def is_of_another_signal(record: Any | None) -> bool:
    """Whether what looks like a record is a span or a metric, whose wrappers are built alike.

    Their first field is an id or a name; a log record's is a number.
    """
    if record is None or record.time_unix_nano:
        return False
    unknown = UnknownFieldSet(record)
    return any(
        unknown[index].field_number == LogRecord.TIME_UNIX_NANO_FIELD_NUMBER
        for index in range(len(unknown))
    )


def _walk(request: Any) -> Iterator[Sent]:
    for group, part in groups(request.resource_logs, "scope_logs"):
        values.bound_length(len(part.log_records))
        for record in part.log_records:
            yield sent(record, group)


def groups(wrappers: Iterable[Any], parts: str) -> Iterator[tuple[Group, Any]]:
    """What the records of each scope share, and the scope's own message with the records.

    `wrappers` are the messages of each resource, `parts` their field of scopes. Raises
    BodyTooLarge for more of them than of records.
    """
    for wrapper in wrappers:
        values.bound_length(len(getattr(wrapper, parts)))
        notes = Adjustments()
        shared = _shared(wrapper, notes)
        for part in getattr(wrapper, parts):
            yield _group(*shared, part, notes), part


def group_of(wrapper: Any, part: Any) -> Group:
    """What the records of a scope share, given its resource's wrapper and its own."""
    notes = Adjustments()
    return _group(*_shared(wrapper, notes), part, notes)


def _shared(wrapper: Any, notes: Adjustments) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes of a resource, and what else its wrapper says."""
    resource = attributes(wrapper.resource.attributes, notes, 1)
    return resource, {
        "resource_schema_url": storable.text(wrapper.schema_url, notes),
        "resource_dropped_attributes_count": wrapper.resource.dropped_attributes_count,
        "resource_entity_refs": [_entity(ref, notes) for ref in wrapper.resource.entity_refs],
    }


def _group(
    resource: dict[str, Any], around: dict[str, Any], part: Any, shared: Adjustments
) -> Group:
    notes = Adjustments()
    scope = {
        "name": storable.text(part.scope.name, notes),
        "version": storable.text(part.scope.version, notes),
        "attributes": attributes(part.scope.attributes, notes, 2),
        "dropped_attributes_count": part.scope.dropped_attributes_count,
    }
    envelope = around | {"scope_schema_url": storable.text(part.schema_url, notes)}
    return Group(
        resource=resource,
        scope={key: item for key, item in scope.items() if item} or None,
        scope_name=scope["name"],
        envelope={key: item for key, item in envelope.items() if item} or None,
        notes=tuple(each for each in (shared, notes) if each.counts),
    )


def _entity(ref: Any, notes: Adjustments) -> dict[str, Any]:
    entity = {
        "schema_url": storable.text(ref.schema_url, notes),
        "type": storable.text(ref.type, notes),
        "id_keys": [storable.text(key, notes) for key in ref.id_keys],
        "description_keys": [storable.text(key, notes) for key in ref.description_keys],
    }
    return {key: item for key, item in entity.items() if item}


def sent(record: Any, group: Group) -> Sent:
    """A LogRecord as sent, in the scope and resource of its group."""
    notes = Adjustments()
    return Sent(
        group=group,
        time_ns=record.time_unix_nano,
        observed_ns=record.observed_time_unix_nano,
        severity_number=record.severity_number,
        severity_text=storable.text(record.severity_text, notes),
        event_name=storable.text(record.event_name, notes),
        body=value(record.body, notes, 0),
        attributes=attributes(record.attributes, notes, 1),
        dropped_attributes_count=record.dropped_attributes_count,
        flags=record.flags,
        trace_id=ids.from_bytes(record.trace_id, ids.TRACE_ID_BYTES, notes),
        span_id=ids.from_bytes(record.span_id, ids.SPAN_ID_BYTES, notes),
        notes=notes,
    )


def attributes(pairs: Sequence[Any], notes: Adjustments, depth: int) -> dict[str, Any]:
    """Attributes, storable. `depth` counts the lists and maps around their values."""
    if len(pairs) > ATTRIBUTES_READ:
        notes.note("attributes.cut", len(pairs) - ATTRIBUTES_READ)
        pairs = pairs[:ATTRIBUTES_READ]
    return storable.attributes([(pair.key, pair.value) for pair in pairs], value, notes, depth)


def value(given: Any, notes: Adjustments, depth: int) -> Any:
    """An AnyValue as a JSON value; bytes as base64, as OpenTelemetry asks outside of OTLP."""
    kind = given.WhichOneof("value")
    if kind == "string_value":
        return storable.text(given.string_value, notes)
    if kind is None:
        return None
    if kind in {"int_value", "bool_value"}:
        return getattr(given, kind)
    if kind == "double_value":
        return storable.number(given.double_value, notes)
    if kind == "bytes_value":
        return base64.b64encode(given.bytes_value).decode()
    if kind in {"array_value", "kvlist_value"}:
        return _nested(given, kind, notes, depth)
    notes.note("value.reference")
    return None


def _nested(given: Any, kind: str, notes: Adjustments, depth: int) -> Any:
    if depth >= DEPTH:
        notes.note("depth.cut")
        return None
    items = deep_protobuf.opened(getattr(given, kind), kind).values
    values.bound_length(len(items))
    if kind == "array_value":
        return [value(item, notes, depth + 1) for item in items]
    return storable.mapping([(pair.key, pair.value) for pair in items], value, notes, depth + 1)
