"""OTLP/JSON: from the bytes of an export to what was sent.

Strict in what OTLP promises, tolerant of what emitters really do: integers as numbers and beyond
64 bits, `{}` for an undefined value, null for defaults, ids in base64, snake_case names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import exact_json, ids, otlp_fields, storable, values
from agentlogger.intake.any_value import any_value, attributes
from agentlogger.intake.exact_json import Repeated
from agentlogger.intake.record import Rejection
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments

SIGNALS = {"logs": "resourceLogs", "traces": "resourceSpans", "metrics": "resourceMetrics"}
"""The field by which an export of each signal is known."""

REQUESTS = {
    "logs": "ExportLogsServiceRequest",
    "traces": "ExportTraceServiceRequest",
    "metrics": "ExportMetricsServiceRequest",
}


def read(body: bytes) -> Iterator[Sent | Rejection]:
    """The records of an export, in order. Raises BodyUndecodable."""
    request = export(body, "logs")
    return _walk(request)


def export(body: bytes, signal: str) -> dict[str, Any]:
    """The export of this signal in a body. Raises BodyUndecodable or BodyTooLarge."""
    values.bound_json(body)
    try:
        request = exact_json.loads(body)
    except exact_json.NotJson as fault:
        raise BodyUndecodable(
            f"The body {fault}, so nothing of it was read: check what the client sends."
        ) from None
    if not isinstance(request, dict):
        raise BodyUndecodable(
            f"The body is JSON and no {REQUESTS[signal]}: an object with {SIGNALS[signal]} is "
            "expected. Plain records go to /api/v1/logs."
        )
    # An object without fields is an export of nothing; one whose fields are all unknown is no
    # export, and an empty success would lose it.
    if request and not _names(SIGNALS[signal]) & request.keys():
        raise BodyUndecodable(_no_export(request, signal))
    return request


def _no_export(request: dict[str, Any], signal: str) -> str:
    """Why an object without a field of this signal is refused, and where it belongs."""
    for other, name in SIGNALS.items():
        if _holds(request, name):
            return (
                f"The body holds {name}, so it is an export of {other}: here only {signal} are "
                f"read, and nothing of it was. Send it to /v1/{other}."
            )
    if isinstance(request.get("data"), list):
        return (
            f"The body holds data and no {SIGNALS[signal]}, as OpenAI's Agents SDK sends it, so "
            "nothing of it was read: send it to /v1/traces/ingest."
        )
    return (
        f"The body is an object without {SIGNALS[signal]}, so it is no {REQUESTS[signal]} and "
        "nothing of it was read. Plain records go to /api/v1/logs."
    )


def _names(name: str) -> set[str]:
    return {name, otlp_fields.in_snake_case(name)}


def _holds(request: dict[str, Any], name: str) -> bool:
    return any(request.get(each) for each in _names(name))


def _walk(request: dict[str, Any]) -> Iterator[Sent | Rejection]:
    for group, index, record in items(request, ("resourceLogs", "scopeLogs", "logRecords")):
        if isinstance(record, dict):
            yield _sent(record, group)
        else:
            reason = f"a log record must be an object, and this is {shown(record)}"
            yield Rejection(index, "record.not_object", reason)


def items(request: dict[str, Any], names: tuple[str, str, str]) -> Iterator[tuple[Group, int, Any]]:
    """What each record of an export shares with others, its place from 0, and itself, unread.

    `names` are the fields of the resources, of their scopes, and of the records in these.
    """
    wrappers, parts, records = names
    notes = Adjustments()
    index = 0
    for wrapper in otlp_fields.messages(request, wrappers, notes):
        shared, around, resource = _resource(wrapper)
        for part in otlp_fields.messages(wrapper, parts, shared):
            group, found = _group(resource, around, part, records, (notes, shared))
            for record in found:
                yield group, index, record
                index += 1


def _resource(wrapper: dict[str, Any]) -> tuple[Adjustments, dict[str, Any], dict[str, Any]]:
    """What was replaced in a resource, what of it goes into the envelope, and its attributes."""
    notes = Adjustments()
    given = otlp_fields.inner(wrapper, "resource", notes)
    around = {
        "resource_schema_url": otlp_fields.text(wrapper, "schemaUrl", notes),
        "resource_dropped_attributes_count": otlp_fields.count(
            given, "droppedAttributesCount", notes
        ),
        "resource_entity_refs": [
            _entity(item, notes) for item in otlp_fields.elements(given, "entityRefs", notes)
        ],
    }
    return notes, around, attributes_of(given, notes, 1)


def _entity(given: Any, notes: Adjustments) -> Any:
    if not isinstance(given, dict):
        return storable.value(given, notes, 2)
    entity = {
        "schema_url": otlp_fields.text(given, "schemaUrl", notes),
        "type": otlp_fields.text(given, "type", notes),
        "id_keys": storable.value(otlp_fields.field(given, "idKeys", notes), notes, 3),
        "description_keys": storable.value(
            otlp_fields.field(given, "descriptionKeys", notes), notes, 3
        ),
    }
    return {key: item for key, item in entity.items() if item}


def _group(
    resource: dict[str, Any],
    around: dict[str, Any],
    part: dict[str, Any],
    name: str,
    shared: tuple[Adjustments, ...],
) -> tuple[Group, list[Any]]:
    """What the records of one scope share, and those records, not yet read."""
    notes = Adjustments()
    given = otlp_fields.inner(part, "scope", notes)
    scope = {
        "name": otlp_fields.text(given, "name", notes),
        "version": otlp_fields.text(given, "version", notes),
        "attributes": attributes_of(given, notes, 2),
        "dropped_attributes_count": otlp_fields.count(given, "droppedAttributesCount", notes),
    }
    envelope = around | {"scope_schema_url": otlp_fields.text(part, "schemaUrl", notes)}
    records = otlp_fields.elements(part, name, notes)
    group = Group(
        resource=resource,
        scope={key: item for key, item in scope.items() if item} or None,
        scope_name=str(scope["name"]),
        envelope={key: item for key, item in envelope.items() if item} or None,
        notes=tuple(each for each in (*shared, notes) if each.counts),
    )
    return group, records


def _sent(record: dict[str, Any], group: Group) -> Sent:
    notes = Adjustments()
    if isinstance(record, Repeated):
        notes.note("key.duplicate", record.repeats)
    return Sent(
        group=group,
        time_ns=otlp_fields.nanoseconds(record, "timeUnixNano", notes),
        observed_ns=otlp_fields.nanoseconds(record, "observedTimeUnixNano", notes),
        severity_number=otlp_fields.severity(record, "severityNumber", notes),
        severity_text=otlp_fields.text(record, "severityText", notes),
        event_name=otlp_fields.text(record, "eventName", notes),
        body=any_value(otlp_fields.field(record, "body", notes), notes, 0),
        attributes=attributes_of(record, notes, 1),
        dropped_attributes_count=otlp_fields.count(record, "droppedAttributesCount", notes),
        flags=otlp_fields.count(record, "flags", notes),
        trace_id=id_of(record, "traceId", ids.TRACE_ID_BYTES, notes),
        span_id=id_of(record, "spanId", ids.SPAN_ID_BYTES, notes),
        notes=notes,
    )


def attributes_of(message: dict[str, Any], notes: Adjustments, depth: int) -> dict[str, Any]:
    """A message's attributes, storable. `depth` counts the lists and maps around their values."""
    return attributes(otlp_fields.field(message, "attributes", notes), notes, depth)


def id_of(record: dict[str, Any], name: str, size: int, notes: Adjustments) -> str:
    """An id of `size` bytes as hex, "" where there is none."""
    return ids.from_text(otlp_fields.field(record, name, notes), size, notes)
