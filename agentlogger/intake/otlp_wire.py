"""OTLP protobuf straight from its bytes: log records as exporters write them.

The protobuf library makes an object of each key and each value, and asking these costs more than
reading the bytes does: 17 µs a record of 18 attributes beside 12 here (`bench/decoding.py`). So the
bytes of a record are walked once, and its texts taken where they stand. A record with anything
unusual in it, and every wrapper, is read by the library as in `otlp_protobuf`, which stays the
judge of what is well-formed. (protobuf.dev/programming-guides/encoding; logs.proto of OTLP 1.11)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from agentlogger.intake import deep_protobuf, ids, otlp_protobuf, values
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import ATTRIBUTES

VARINT: Final = 0
EIGHT_BYTES: Final = 1
SIZED: Final = 2
FOUR_BYTES: Final = 5
"""How a field is written; groups, 3 and 4, are in no message of OTLP. One to a line: mypyc writes
such a number where it is used, and would look up what is assigned in pairs each time."""
MORE: Final = 0x80
"""The bit of a byte of a varint that says that another follows."""

KEY: Final = 0x0A
VALUE: Final = 0x12
STRING: Final = 0x0A
INTEGER: Final = 0x18
"""Tags: of KeyValue's two fields, and of AnyValue's text and integer."""
SIGN: Final = 2**63
"""From here on a varint is a negative number."""
ATTRIBUTE: Final = 0x32
TIME: Final = 0x09
OBSERVED: Final = 0x59
SEVERITY: Final = 0x10
SEVERITY_TEXT: Final = 0x1A
BODY: Final = 0x2A
DROPPED: Final = 0x38
FLAGS: Final = 0x45
TRACE_ID: Final = 0x4A
SPAN_ID: Final = 0x52
EVENT_NAME: Final = 0x62
"""Tags of LogRecord's fields: 8 times the number, and how it is written."""

RESOURCE_LOGS: Final = 1
SCOPE_LOGS: Final = 2
LOG_RECORDS: Final = 2
"""Numbers of the fields that wrap records, and of the records."""

NAMES = 4_096
"""Keys that are remembered: agents use some hundreds, and a client may send what it likes."""

_names: dict[bytes, str] = {}

SEEN = 1_024
"""Short attributes of a request that are remembered while it is read. Half of what an agent sends
with a record is the same with the next: who, where, which session, which version."""

Seen = dict[bytes, tuple[str, str]]
"""By its bytes, the key and the text of an attribute."""


class Unusual(Exception):  # noqa: N818  (no error: the library reads it)
    """What is read is not written as exporters write it."""


def read(body: bytes) -> Iterator[Sent]:
    """The records of an ExportLogsServiceRequest, in order.

    Raises BodyUndecodable or BodyTooLarge.
    """
    body = bytes(body)
    values.bound_protobuf(body)
    try:
        around, wrappers = _parted(body, 0, len(body), RESOURCE_LOGS)
        ExportLogsServiceRequest.FromString(around)  # Which is for the library to judge.
        values.bound_length(len(wrappers))
        parts = [one for at, end in wrappers for one in _scopes(body, at, end)]
    except (Unusual, IndexError, DecodeError):
        return otlp_protobuf.read(body)
    first = next((place for _, _, places in parts for place in places), None)
    if first is not None and otlp_protobuf.is_of_another_signal(_message(body, *first)):
        raise otlp_protobuf.undecodable(body)
    return _walk(body, parts)


Part = tuple[ResourceLogs, ScopeLogs, list[tuple[int, int]]]
"""A resource's wrapper and a scope's, both without what they wrap, and where the records stand."""


def _scopes(body: bytes, at: int, end: int) -> Iterator[Part]:
    around, scopes = _parted(body, at, end, SCOPE_LOGS)
    values.bound_length(len(scopes))
    resource = ResourceLogs.FromString(around)
    for begin, stop in scopes:
        around, records = _parted(body, begin, stop, LOG_RECORDS)
        yield resource, ScopeLogs.FromString(around), records


def _parted(body: bytes, at: int, end: int, wanted: int) -> tuple[bytes, list[tuple[int, int]]]:
    """A message without one of its fields, and where each value of that field stands."""
    others, places = [], []
    while at < end:
        begin = at
        tag, at = _varint(body, at)
        kind = tag & 7
        if kind == SIZED:
            size, at = _varint(body, at)
            if tag >> 3 == wanted:
                places.append((at, at + size))
            at += size
        elif kind == VARINT:
            _, at = _varint(body, at)
        elif kind == EIGHT_BYTES:
            at += 8
        elif kind == FOUR_BYTES:
            at += 4
        else:
            raise Unusual
        if kind != SIZED or tag >> 3 != wanted:
            others.append(body[begin:at])
    if at != end:
        raise Unusual
    return b"".join(others), places


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where the next thing does."""
    number = body[at]
    at += 1
    if number < MORE:
        return number, at
    number &= MORE - 1
    for shift in range(7, 70, 7):
        byte = body[at]
        at += 1
        number |= (byte & (MORE - 1)) << shift
        if byte < MORE:
            return number, at
    raise Unusual


def _walk(body: bytes, parts: list[Part]) -> Iterator[Sent]:
    seen: Seen = {}
    for resource, scope, places in parts:
        group = otlp_protobuf.group_of(resource, scope)
        for at, end in places:
            try:
                yield _sent(body, at, end, group, seen)
            except (Unusual, IndexError, UnicodeDecodeError, DecodeError):
                yield otlp_protobuf.sent(_message(body, at, end), group)


def _message(body: bytes, at: int, end: int) -> Any:
    """A record as the library reads it. Raises BodyUndecodable."""
    try:
        return LogRecord.FromString(body[at:end])
    except DecodeError:
        message = deep_protobuf.parse(body[at:end], LogRecord)
        if message is None:
            raise otlp_protobuf.undecodable(body) from None
        return message


def _sent(  # noqa: C901  (a call for each attribute would cost more than reading it)
    body: bytes, at: int, end: int, group: Group, seen: Seen
) -> Sent:
    """A record whose texts need no replacing and whose fields stand there once.

    One loop without calls for what most of a record is: attributes that another record of the
    request has too, and texts under keys that were met before.
    """
    attributes: dict[str, Any] = {}
    notes = Adjustments()
    sent = Sent(group, attributes, notes)
    names = _names
    count = 0
    while at < end:
        if body[at] != ATTRIBUTE:
            at = _field(body, at, sent)
            continue
        count += 1
        size = body[at + 1]
        at += 2
        if size >= MORE:
            size, at = _varint(body, at - 1)
            whole = b""
        else:
            whole = body[at : at + size]
            known = seen.get(whole)
            if known is not None:
                attributes[known[0]] = known[1]
                at += size
                continue
        stop = at + size
        # The key with its tag and size before it, and the tag of the value behind it.
        begin = at + 3 + body[at + 1]
        name = names.get(body[at:begin]) or _name(body, at, begin)
        size = body[begin]
        at = begin + 1
        if size >= MORE:
            size, at = _varint(body, begin)
        if at + size != stop:
            raise Unusual
        if size and body[at] == STRING and body[at + 1] == size - 2 < MORE:
            attributes[name] = text = body[at + 2 : stop].decode()
            if "\0" in text:
                raise Unusual
            if whole and len(seen) < SEEN:
                seen[whole] = name, text
        else:
            attributes[name] = _value(body[at:stop], notes, 1)
        at = stop
    if at != end or len(attributes) != count or count > ATTRIBUTES:
        raise Unusual
    return sent


def _value(raw: bytes, notes: Adjustments, depth: int) -> Any:
    """The value of an AnyValue."""
    if raw and raw[0] == STRING:
        size, at = _varint(raw, 1)
        text = raw[at:].decode()
        if at + size == len(raw) and "\0" not in text:
            return text
    elif len(raw) > 1 and raw[0] == INTEGER:
        number, at = _varint(raw, 1)
        if at == len(raw) and number < SIGN:
            return number
    return otlp_protobuf.value(AnyValue.FromString(raw), notes, depth)


def _name(body: bytes, begin: int, end: int) -> str:
    """A key between its tag and the value's, remembered where it is as plain as keys are."""
    key = body[begin:end]
    name = key[2:-1].decode("ascii", "replace")
    if key[0] != KEY or key[1] != len(name) or key[-1] != VALUE or not name:
        raise Unusual
    if key[1] >= MORE or not name.isprintable() or not name.isascii():
        raise Unusual
    if len(_names) >= NAMES:
        _names.clear()
    _names[key] = name
    return name


def _field(body: bytes, at: int, sent: Sent) -> int:
    """Read one of the other fields; return where the next one stands.

    Of one that stands there twice the last counts, but for a body: bodies would be merged.
    """
    tag = body[at]
    if tag in (TIME, OBSERVED):
        end = at + 9
        nanoseconds = int.from_bytes(body[at + 1 : end], "little")
        if tag == TIME:
            sent.time_ns = nanoseconds
        else:
            sent.observed_ns = nanoseconds
        return end
    if tag in (SEVERITY, DROPPED):
        number = body[at + 1]
        if number >= MORE:
            raise Unusual
        if tag == SEVERITY:
            sent.severity_number = number
        else:
            sent.dropped_attributes_count = number
        return at + 2
    if tag == FLAGS:
        sent.flags = int.from_bytes(body[at + 1 : at + 5], "little")
        return at + 5
    size, begin = _varint(body, at + 1)
    end = begin + size
    _fill_sized(sent, tag, body[begin:end])
    return end


def _fill_sized(sent: Sent, tag: int, raw: bytes) -> None:
    if tag == BODY:
        if sent.body is not None:
            raise Unusual
        sent.body = _value(raw, sent.notes, 0)
        if sent.body is None and raw:
            raise Unusual
    elif tag == TRACE_ID:
        sent.trace_id = _identifier(raw, ids.TRACE_ID_BYTES)
    elif tag == SPAN_ID:
        sent.span_id = _identifier(raw, ids.SPAN_ID_BYTES)
    elif tag == SEVERITY_TEXT:
        sent.severity_text = _plain(raw)
    elif tag == EVENT_NAME:
        sent.event_name = _plain(raw)
    else:
        raise Unusual


def _identifier(raw: bytes, size: int) -> str:
    """An id that needs no mark, or none."""
    if raw and (len(raw) != size or not any(raw)):
        raise Unusual
    return raw.hex()


def _plain(raw: bytes) -> str:
    text = raw.decode()
    if "\0" in text:
        raise Unusual
    return text
