"""OTLP/JSON: from the bytes of an export to what was sent.

Strict in what OTLP promises, tolerant of what emitters really do: integers as numbers and beyond
64 bits, `{}` for an undefined value, null for defaults, ids in base64, snake_case names.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

import orjson
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import exact_json, storable
from agentlogger.intake.record import Rejection
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import DEPTH, INTEGER_MAX, REASON_CHARACTERS

HEX = re.compile(r"[0-9a-fA-F]+")
TRACE_ID_CHARACTERS = 32
SPAN_ID_CHARACTERS = 16
DIGITS = re.compile(r"-?\d{1,4000}")


class _NeedsExactReading(Exception):  # noqa: N818  (a signal, not an error)
    """orjson has rounded an integer beyond 64 bits; the body must be read exactly."""


def read(body: bytes) -> list[Sent | Rejection]:
    """The records of an export, in order. Raises BodyUndecodable."""
    try:
        return list(_walk(orjson.loads(body), exact=False))
    except (orjson.JSONDecodeError, _NeedsExactReading):
        return list(_walk(exact_json.loads(body), exact=True))


def _walk(request: Any, *, exact: bool) -> Iterator[Sent | Rejection]:
    if not isinstance(request, dict):
        raise BodyUndecodable(
            "The body is JSON and no ExportLogsServiceRequest: an object with resourceLogs is "
            "expected. Plain records go to /api/v1/logs."
        )
    index = 0
    for wrapper in _list(request, "resourceLogs"):
        notes = Adjustments()
        resource = _dict(wrapper, "resource")
        around = {
            "resource_schema_url": _text(wrapper, "schemaUrl", notes),
            "resource_dropped_attributes_count": _count(resource, "droppedAttributesCount"),
            "resource_entity_refs": storable.value(_list(resource, "entityRefs"), notes, 1),
        }
        shared = _attributes(resource, notes, exact=exact)
        for part in _list(wrapper, "scopeLogs"):
            group = _group(shared, around, part, notes, exact=exact)
            for record in _list(part, "logRecords"):
                if isinstance(record, dict):
                    yield _sent(record, group, exact=exact)
                else:
                    yield Rejection(
                        index,
                        "record.not_object",
                        f"a log record must be an object, and this is {_shown(record)}",
                    )
                index += 1


def _group(
    resource: dict[str, Any], around: dict[str, Any], part: Any, shared: Adjustments, *, exact: bool
) -> Group:
    notes = Adjustments()
    given = _dict(part, "scope")
    scope = {
        "name": _text(given, "name", notes),
        "version": _text(given, "version", notes),
        "attributes": _attributes(given, notes, exact=exact),
        "dropped_attributes_count": _count(given, "droppedAttributesCount"),
    }
    envelope = around | {"scope_schema_url": _text(part, "schemaUrl", notes)}
    return Group(
        resource=resource,
        scope={key: item for key, item in scope.items() if item} or None,
        scope_name=str(scope["name"]),
        envelope={key: item for key, item in envelope.items() if item} or None,
        notes=(shared, notes),
    )


def _sent(record: dict[str, Any], group: Group, *, exact: bool) -> Sent:
    notes = Adjustments()
    severity = _get(record, "severityNumber")
    return Sent(
        group=group,
        time_ns=_time(_get(record, "timeUnixNano"), exact=exact),
        observed_ns=_time(_get(record, "observedTimeUnixNano"), exact=exact),
        severity_number=_severity(severity),
        severity_text=_text(record, "severityText", notes),
        event_name=_text(record, "eventName", notes),
        body=_any(_get(record, "body"), notes, 0, exact=exact),
        attributes=_attributes(record, notes, exact=exact),
        dropped_attributes_count=_count(record, "droppedAttributesCount"),
        flags=_count(record, "flags"),
        trace_id=read_id(_get(record, "traceId"), TRACE_ID_CHARACTERS, "trace_id.invalid", notes),
        span_id=read_id(_get(record, "spanId"), SPAN_ID_CHARACTERS, "span_id.invalid", notes),
        identity=None,
        notes=notes,
    )


def _get(given: Any, name: str) -> Any:
    """A field by its lowerCamelCase name, or by the snake_case one that some libraries write."""
    if name in given:
        return given[name]
    return given.get(re.sub(r"(?=[A-Z])", "_", name).lower())


def _dict(given: Any, name: str) -> dict[str, Any]:
    found = _get(given, name)
    return found if isinstance(found, dict) else {}


def _list(given: Any, name: str) -> list[Any]:
    """A list of objects, or of whatever else for the caller to judge; null is an empty one."""
    found = _get(given, name)
    if found is None:
        return []
    inner = name not in {"logRecords", "entityRefs"}
    if not isinstance(found, list) or (inner and not all(isinstance(x, dict) for x in found)):
        raise BodyUndecodable(
            f"{name} must be a list{' of objects' if inner else ''} and is {_shown(found)}, so "
            "nothing of the body was read: check the exporter."
        )
    return found


def _shown(given: Any) -> str:
    return repr(given)[:REASON_CHARACTERS]


def _text(given: Any, name: str, notes: Adjustments) -> str:
    found = _get(given, name)
    return storable.text(found if isinstance(found, str) else str(found), notes) if found else ""


def _count(given: Any, name: str) -> int:
    found = _get(given, name)
    if isinstance(found, str) and found.isdigit():
        found = int(found[:20])
    return found if isinstance(found, int) and 0 <= found <= INTEGER_MAX else 0


def _severity(given: Any) -> int:
    """The number; OTLP forbids an enum's name, and some write it."""
    if isinstance(given, str):
        if DIGITS.fullmatch(given):
            return int(given)
        names: dict[str, int] = dict(SeverityNumber.items())
        return names.get(given, 0)
    return given if isinstance(given, int) else 0


def _time(given: Any, *, exact: bool) -> int | str:
    """Nanoseconds, never by way of a float; 0 is unset, and a text is what was sent instead."""
    if given is None or given == "":
        return 0
    if isinstance(given, float):
        if not exact:
            raise _NeedsExactReading
        return int(given) if given.is_integer() else repr(given)
    if isinstance(given, int):
        return given
    return int(given) if isinstance(given, str) and DIGITS.fullmatch(given) else _shown(given)


def read_id(given: Any, characters: int, rule: str, notes: Adjustments) -> str:
    """An id as lower-case hex, "" where there is none or it is none."""
    if not given:
        return ""
    if isinstance(given, str):
        if len(given) == characters and HEX.fullmatch(given) and given.strip("0"):
            return given.lower()
        try:
            raw = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) * 2 == characters and any(raw):
            notes.note("id.base64", sent=given)
            return raw.hex()
    notes.note(rule, sent=storable.text(str(given), Adjustments()))
    return ""


def _attributes(given: Any, notes: Adjustments, *, exact: bool) -> dict[str, Any]:
    """A list of key and value objects; a plain object, as simple clients write it, will do too."""
    found = _get(given, "attributes")
    if isinstance(found, dict):
        return storable.attributes(
            ((key, _any(item, notes, 1, exact=exact)) for key, item in found.items()), notes
        )
    pairs = found if isinstance(found, list) else []
    return storable.attributes(_pairs(pairs, notes, 1, exact=exact), notes)


def _pairs(
    given: list[Any], notes: Adjustments, depth: int, *, exact: bool
) -> Iterator[tuple[str, Any]]:
    for pair in given:
        if isinstance(pair, dict):
            key = pair.get("key")
            yield (
                key if isinstance(key, str) else "" if key is None else str(key),
                _any(pair.get("value"), notes, depth, exact=exact),
            )


def _any(given: Any, notes: Adjustments, depth: int, *, exact: bool) -> Any:
    """An AnyValue as a JSON value. What is no AnyValue is taken as the plain value that it is."""
    if given.__class__ is not dict or len(given) > 1:
        return storable.value(given, notes, depth)
    if not given:
        return None
    name, item = next(iter(given.items()))
    match name:
        case "stringValue" | "string_value":
            return (
                storable.text(item, notes) if isinstance(item, str) else _plain(item, notes, depth)
            )
        case "intValue" | "int_value":
            return _int(item, notes, depth, exact=exact)
        case "doubleValue" | "double_value":
            return _double(item, notes, depth)
        case "boolValue" | "bool_value" | "bytesValue" | "bytes_value":
            return _plain(item, notes, depth)
        case "arrayValue" | "array_value" | "kvlistValue" | "kvlist_value":
            return _nested(name, item, notes, depth, exact=exact)
    return storable.value(given, notes, depth)


def _plain(item: Any, notes: Adjustments, depth: int) -> Any:
    return storable.value(item, notes, depth)


def _int(item: Any, notes: Adjustments, depth: int, *, exact: bool) -> Any:
    if isinstance(item, float):
        if not exact:
            raise _NeedsExactReading
        item = int(item) if item.is_integer() else item
    if isinstance(item, str) and DIGITS.fullmatch(item):
        return storable.integer(int(item), notes)
    return _plain(item, notes, depth)


def _double(item: Any, notes: Adjustments, depth: int) -> Any:
    if isinstance(item, str):
        try:
            return storable.number(float(item), notes)
        except ValueError:
            return storable.text(item, notes)
    if isinstance(item, int) and not isinstance(item, bool):
        return storable.number(float(item), notes) if abs(item) < 2**1000 else str(item)
    return _plain(item, notes, depth)


def _nested(name: str, item: Any, notes: Adjustments, depth: int, *, exact: bool) -> Any:
    if depth >= DEPTH:
        notes.note("depth.cut")
        return None
    values = item.get("values") if isinstance(item, dict) else None
    values = values if isinstance(values, list) else []
    if name.startswith("array"):
        return [_any(part, notes, depth + 1, exact=exact) for part in values]
    return storable.mapping(_pairs(values, notes, depth + 1, exact=exact), notes)
