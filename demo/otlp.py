"""OTLP/JSON, as exporters write it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def value(given: Any) -> Json:
    """An AnyValue."""
    match given:
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case str():
            return {"stringValue": given}
        case Mapping():
            return {"kvlistValue": {"values": attributes(given)}}
        case _:
            return {"arrayValue": {"values": [value(one) for one in given]}}


def attributes(given: Mapping[str, Any]) -> list[Json]:
    """Attributes; those that are None are left out."""
    return [{"key": key, "value": value(one)} for key, one in given.items() if one is not None]


def log(at_ns: int, name: str, given: Mapping[str, Any], **fields: Any) -> Json:
    """A log record."""
    return {"timeUnixNano": str(at_ns), "eventName": name, "attributes": attributes(given)} | fields


def span(name: str, at: tuple[int, int], ids: tuple[str, str, str], **fields: Any) -> Json:
    """A span from a time to a time, with the ids of its trace, itself and its parent."""
    trace, own, parent = ids
    given = fields.pop("attributes", {})
    return {
        "traceId": trace,
        "spanId": own,
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": str(at[0]),
        "endTimeUnixNano": str(at[1]),
        "attributes": attributes(given),
    } | fields


def logs(service: Mapping[str, Any], scope: str, records: Sequence[Json]) -> Json:
    """An export of log records of one service."""
    of_scope = {"scope": {"name": scope}, "logRecords": list(records)}
    resource = {"attributes": attributes(service)}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [of_scope]}]}


def traces(service: Mapping[str, Any], scope: str, spans: Sequence[Json]) -> Json:
    """An export of spans of one service."""
    of_scope = {"scope": {"name": scope}, "spans": list(spans)}
    resource = {"attributes": attributes(service)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [of_scope]}]}


def written(given: Any) -> str:
    """JSON as an attribute's text."""
    return json.dumps(given, ensure_ascii=False)
