"""Records as the API shows them, as exports in OTLP protobuf: an import or replay sends them on.

Written by hand, field by field: protobuf's library gives up on values that nest as deep as ours
may. The numbers are those of OTLP 1.11.0; a test has the library read all that is written here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from agentlogger.intake import origin, spans, times
from agentlogger.limits import INTEGER_MAX, INTEGER_MIN

Record = Mapping[str, Any]
"""A record as the API shows it (docs/reference.md, A record)."""

TRACE_ID, SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")

UINT32, UINT64 = 2**32 - 1, 2**64 - 1

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types."""

SEVEN_BITS = 0x7F
"""What a byte of a varint holds; its eighth bit says that another follows."""

DIGITS_MOST = 20
"""Digits of the largest integer of 64 bits."""


def is_span(record: Record) -> bool:
    """Whether a record was sent as a span."""
    envelope = record.get("envelope") or {}
    return "span" in envelope or bool(record.get("parent_span_id")) or record.get("kind") == "span"


def export(record: Record, *, plain: bool = False) -> bytes:
    """An ExportLogsServiceRequest, or for a span an ExportTraceServiceRequest, with the one record.

    Messages one after the other are one message with the records of all. With `plain` it says
    nothing of where the record was first stored.
    """
    envelope = _map(record.get("envelope"))
    own = (
        _span(record, envelope, plain=plain)
        if is_span(record)
        else _log(record, envelope, plain=plain)
    )
    part = _message(1, _scope(record.get("scope"))) + _message(2, own)
    part += _text(3, envelope.get("scope_schema_url"))
    resource = _attributes(1, _map(record.get("resource")))
    resource += _count(2, envelope.get("resource_dropped_attributes_count"))
    resource += b"".join(
        _message(3, _entity(_map(ref))) for ref in _list(envelope.get("resource_entity_refs"))
    )
    wrapper = _message(1, resource) + _message(2, part)
    return _message(1, wrapper + _text(3, envelope.get("resource_schema_url")))


def _log(record: Record, envelope: Mapping[str, Any], *, plain: bool) -> bytes:
    emitted = record.get("severity_source") == "emitted"
    body = record.get("body")
    return b"".join(
        (
            _fixed64(1, _time(record)),
            _count(2, record.get("severity_number") if emitted else 0),
            _text(3, record.get("severity_text")),
            b"" if body is None else _message(5, any_value(body)),
            _attributes(6, _with_origin(record, plain=plain)),
            _count(7, envelope.get("dropped_attributes_count")),
            _flags(8, record.get("flags")),
            _id(9, record.get("trace_id"), TRACE_ID),
            _id(10, record.get("span_id"), SPAN_ID),
            _fixed64(11, _number(record.get("observed_ns"))),
            _text(12, record.get("event_name")),
        )
    )


def _span(record: Record, envelope: Mapping[str, Any], *, plain: bool) -> bytes:
    around = _map(envelope.get("span"))
    start, duration, ok = _time(record), record.get("duration_ns"), record.get("ok")
    end = start + duration if start and isinstance(duration, int) else 0
    status = _text(2, record.get("error_message")) + _count(3, 2) if ok is False else b""
    return b"".join(
        (
            _id(1, record.get("trace_id"), TRACE_ID),
            _id(2, record.get("span_id"), SPAN_ID),
            _text(3, around.get("trace_state")),
            _id(4, record.get("parent_span_id"), SPAN_ID),
            _text(5, record.get("event_name")),
            _count(6, _kind(around.get("kind"))),
            _fixed64(7, start),
            _fixed64(8, end),
            _attributes(9, _with_origin(record, plain=plain)),
            _count(10, envelope.get("dropped_attributes_count")),
            _count(12, around.get("dropped_events_count")),
            b"".join(_message(13, _link(_map(link))) for link in _list(around.get("links"))),
            _count(14, around.get("dropped_links_count")),
            _message(15, _count(3, 1) if ok else status),
            _flags(16, record.get("flags")),
        )
    )


def _link(link: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            _id(1, link.get("trace_id"), TRACE_ID),
            _id(2, link.get("span_id"), SPAN_ID),
            _text(3, link.get("trace_state")),
            _attributes(4, _map(link.get("attributes"))),
            _count(5, link.get("dropped_attributes_count")),
            _flags(6, link.get("flags")),
        )
    )


def _scope(given: Any) -> bytes:
    """A scope. What plain JSON has in one beyond OTLP's fields goes to its attributes."""
    scope = _map(given)
    known = {"name", "version", "attributes", "dropped_attributes_count"}
    more = {name: item for name, item in scope.items() if name not in known}
    return b"".join(
        (
            _text(1, scope.get("name")),
            _text(2, scope.get("version")),
            _attributes(3, {**more, **_map(scope.get("attributes"))}),
            _count(4, scope.get("dropped_attributes_count")),
        )
    )


def _entity(ref: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            _text(1, ref.get("schema_url")),
            _text(2, ref.get("type")),
            *(_text(3, key) for key in _list(ref.get("id_keys"))),
            *(_text(4, key) for key in _list(ref.get("description_keys"))),
        )
    )


def _with_origin(record: Record, *, plain: bool) -> dict[str, Any]:
    """The attributes, and beside them where the record was first stored."""
    attributes = _map(record.get("attributes"))
    if plain:
        return attributes
    first = _map(_map(record.get("envelope")).get("origin"))
    ids = (("trace_id", TRACE_ID), ("span_id", SPAN_ID), ("parent_span_id", SPAN_ID))
    told = {
        "id": first.get("id") or record.get("id"),
        "received_time": first.get("received_time") or record.get("received_time"),
        "time_source": "received" if record.get("ts_source") == "received" else None,
        "time_sent": record.get("ts_sent"),
        "error_type": record.get("error_type") if is_span(record) else None,
        "adjustments": [
            [rule, mark.get("count", 1), mark.get("sent", "")]
            for rule, mark in _map(record.get("adjustments")).items()
        ],
        # Ids that are none of OTLP's have no field there.
        **{name: record.get(name) for name, form in ids if not _is_id(record.get(name), form)},
    }
    return attributes | {origin.ATTRIBUTE: {name: item for name, item in told.items() if item}}


def _time(record: Record) -> int:
    """The time to send: none where the record has it from elsewhere in what was sent."""
    if record.get("ts_source") in {"observed", "attribute"}:
        return 0
    exact = _number(record.get("ts_ns"))
    return exact or times.from_iso(str(record.get("time") or "")) or 0


def _kind(given: Any) -> Any:
    return spans.KINDS.index(given) if given in spans.KINDS else given


def any_value(given: Any) -> bytes:
    """A JSON value as an AnyValue; null is one without a value."""
    if given is None:
        return b""
    if isinstance(given, bool):
        return b"\x10\x01" if given else b"\x10\x00"
    if isinstance(given, int):
        if INTEGER_MIN <= given <= INTEGER_MAX:
            return b"\x18" + _varint(given & UINT64)
        return any_value(str(given))
    if isinstance(given, float):
        return b"\x21" + struct.pack("<d", given)
    if isinstance(given, list):
        return _message(
            5, b"".join(_message(1, any_value(item), always=True) for item in given), always=True
        )
    if isinstance(given, Mapping):
        return _message(6, _attributes(1, given), always=True)
    return _message(1, str(given).encode(), always=True)


def _attributes(field: int, given: Mapping[str, Any]) -> bytes:
    return b"".join(
        _message(field, _text(1, name) + _message(2, any_value(item), always=True), always=True)
        for name, item in given.items()
    )


def _message(field: int, content: bytes, *, always: bool = False) -> bytes:
    """A field of bytes; an empty one is left out, but where it says something by being there."""
    if not content and not always:
        return b""
    return _varint(field << 3 | LENGTH) + _varint(len(content)) + content


def _text(field: int, given: Any) -> bytes:
    return _message(field, given.encode()) if isinstance(given, str) else b""


def _count(field: int, given: Any) -> bytes:
    number = _number(given)
    return _varint(field << 3 | VARINT) + _varint(number) if 0 < number <= UINT32 else b""


def _flags(field: int, given: Any) -> bytes:
    number = _number(given)
    return (
        _varint(field << 3 | FIXED32) + struct.pack("<I", number) if 0 < number <= UINT32 else b""
    )


def _fixed64(field: int, number: int) -> bytes:
    return (
        _varint(field << 3 | FIXED64) + struct.pack("<Q", number) if 0 < number <= UINT64 else b""
    )


def _id(field: int, given: Any, form: re.Pattern[str]) -> bytes:
    return _message(field, bytes.fromhex(given)) if _is_id(given, form) else b""


def _is_id(given: Any, form: re.Pattern[str]) -> bool:
    return isinstance(given, str) and form.fullmatch(given) is not None


def _number(given: Any) -> int:
    """A whole number, written as one or as digits; 0 for anything else."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= DIGITS_MOST:
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else 0


def _varint(number: int) -> bytes:
    if number <= SEVEN_BITS:
        return bytes((number,))
    found = bytearray()
    while number > SEVEN_BITS:
        found.append(number & SEVEN_BITS | SEVEN_BITS + 1)
        number >>= 7
    found.append(number)
    return bytes(found)


def _map(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _list(given: Any) -> Iterable[Any]:
    return given if isinstance(given, list) else ()
