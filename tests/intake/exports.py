"""Exports of log records, written by hand in both of OTLP's encodings.

Neither protobuf's library nor its JSON mapping is used: what they refuse or change must be sayable
here, and the readers are not held against the library that they are built on.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from dataclasses import dataclass, field
from typing import Any


class Map(tuple[tuple[str, Any], ...]):
    """A KeyValueList: pairs, whose keys may be equal."""

    __slots__ = ()


NONE = Map()


@dataclass
class Record:
    """A LogRecord; values are None, str, bool, int, float, bytes, list and Map."""

    time: int = 0
    observed: int = 0
    severity: int = 0
    severity_text: str = ""
    event_name: str = ""
    body: Any = None
    attributes: Map = NONE
    dropped: int = 0
    flags: int = 0
    trace_id: bytes = b""
    span_id: bytes = b""


@dataclass
class Scope:
    """A ScopeLogs with its scope."""

    name: str = ""
    version: str = ""
    attributes: Map = NONE
    dropped: int = 0
    schema_url: str = ""
    records: list[Record] = field(default_factory=list)


@dataclass
class Entity:
    """An EntityRef."""

    schema_url: str = ""
    type: str = ""
    id_keys: list[str] = field(default_factory=list)
    description_keys: list[str] = field(default_factory=list)


@dataclass
class Resource:
    """A ResourceLogs with its resource."""

    attributes: Map = NONE
    dropped: int = 0
    schema_url: str = ""
    entities: list[Entity] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)


def one(**fields: Any) -> list[Resource]:
    """An export of one record with these fields."""
    return [Resource(scopes=[Scope(records=[Record(**fields)])])]


def varint(number: int) -> bytes:
    """Protobuf's number of variable length; a negative one takes ten bytes."""
    number &= 2**64 - 1
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])


def part(number: int, content: bytes) -> bytes:
    """A field of bytes, a text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return part(number, text.encode()) if text else b""


def _number(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value) if value else b""


def protobuf_value(value: Any) -> bytes:
    """An AnyValue on the wire."""
    match value:
        case None:
            return b""
        case str():
            return part(1, value.encode())
        case bool():
            return varint(2 << 3) + varint(value)
        case int():
            return varint(3 << 3) + varint(value)
        case float():
            return varint(4 << 3 | 1) + struct.pack("<d", value)
        case list():
            return part(5, b"".join(part(1, protobuf_value(item)) for item in value))
        case Map():
            return part(6, _pairs(1, value))
        case bytes():
            return part(7, value)
    raise TypeError(value)


def _pairs(number: int, pairs: Map) -> bytes:
    return b"".join(
        part(number, _text(1, key) + part(2, protobuf_value(value))) for key, value in pairs
    )


def protobuf(export: list[Resource]) -> bytes:
    """The export as an ExportLogsServiceRequest on the wire."""
    return b"".join(part(1, _protobuf_resource(each)) for each in export)


def _protobuf_resource(given: Resource) -> bytes:
    entities = b"".join(
        part(
            3,
            _text(1, each.schema_url)
            + _text(2, each.type)
            + b"".join(part(3, key.encode()) for key in each.id_keys)
            + b"".join(part(4, key.encode()) for key in each.description_keys),
        )
        for each in given.entities
    )
    resource = _pairs(1, given.attributes) + _number(2, given.dropped) + entities
    scopes = b"".join(part(2, _protobuf_scope(each)) for each in given.scopes)
    return part(1, resource) + scopes + _text(3, given.schema_url)


def _protobuf_scope(given: Scope) -> bytes:
    scope = (
        _text(1, given.name)
        + _text(2, given.version)
        + _pairs(3, given.attributes)
        + _number(4, given.dropped)
    )
    records = b"".join(part(2, protobuf_record(each)) for each in given.records)
    return part(1, scope) + records + _text(3, given.schema_url)


def protobuf_record(given: Record) -> bytes:
    """A LogRecord on the wire."""
    return (
        varint(1 << 3 | 1)
        + struct.pack("<Q", given.time)
        + _number(2, given.severity)
        + _text(3, given.severity_text)
        + (b"" if given.body is None else part(5, protobuf_value(given.body)))
        + _pairs(6, given.attributes)
        + _number(7, given.dropped)
        + varint(8 << 3 | 5)
        + struct.pack("<I", given.flags)
        + (part(9, given.trace_id) if given.trace_id else b"")
        + (part(10, given.span_id) if given.span_id else b"")
        + varint(11 << 3 | 1)
        + struct.pack("<Q", given.observed)
        + _text(12, given.event_name)
    )


def json_value(value: Any) -> Any:
    """An AnyValue of OTLP/JSON."""
    match value:
        case None:
            return {}
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": _json_double(value)}
        case list():
            return {"arrayValue": {"values": [json_value(item) for item in value]}}
        case Map():
            return {"kvlistValue": {"values": _json_pairs(value)}}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
    raise TypeError(value)


def _json_double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json_pairs(pairs: Map) -> list[dict[str, Any]]:
    return [{"key": key, "value": json_value(value)} for key, value in pairs]


def json_object(export: list[Resource]) -> dict[str, Any]:
    """The export as OTLP/JSON, before it is written."""
    return {"resourceLogs": [_json_resource(each) for each in export]}


def json_text(export: list[Resource]) -> bytes:
    """The export as a body of OTLP/JSON."""
    return json.dumps(json_object(export)).encode()


def _json_resource(given: Resource) -> dict[str, Any]:
    return {
        "resource": {
            "attributes": _json_pairs(given.attributes),
            "droppedAttributesCount": given.dropped,
            "entityRefs": [
                {
                    "schemaUrl": each.schema_url,
                    "type": each.type,
                    "idKeys": each.id_keys,
                    "descriptionKeys": each.description_keys,
                }
                for each in given.entities
            ],
        },
        "scopeLogs": [_json_scope(each) for each in given.scopes],
        "schemaUrl": given.schema_url,
    }


def _json_scope(given: Scope) -> dict[str, Any]:
    return {
        "scope": {
            "name": given.name,
            "version": given.version,
            "attributes": _json_pairs(given.attributes),
            "droppedAttributesCount": given.dropped,
        },
        "logRecords": [json_record(each) for each in given.records],
        "schemaUrl": given.schema_url,
    }


def json_record(given: Record) -> dict[str, Any]:
    """A LogRecord of OTLP/JSON."""
    return {
        "timeUnixNano": str(given.time),
        "observedTimeUnixNano": str(given.observed),
        "severityNumber": given.severity,
        "severityText": given.severity_text,
        "eventName": given.event_name,
        "body": json_value(given.body),
        "attributes": _json_pairs(given.attributes),
        "droppedAttributesCount": given.dropped,
        "flags": given.flags,
        "traceId": given.trace_id.hex(),
        "spanId": given.span_id.hex(),
    }
