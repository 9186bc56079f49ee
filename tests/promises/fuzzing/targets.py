"""What is fuzzed: each target takes bytes from anyone, and only a refusal may leave it.

Beyond that, a target fails where a row could not be stored, or where two ways that must come to
the same do not. It says whether anything was read. `child` imports this module under atheris, which
has the code of `agentlogger.intake` tell which branches it takes.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from agentlogger.errors import Refusal
from agentlogger.intake import batches, body, otlp_protobuf, otlp_wire
from agentlogger.intake.record import Batch
from agentlogger.limits import INTEGER_MAX, INTEGER_MIN

RECEIVED_NS = 1_795_600_800 * 10**9

DRIBBLE_BYTES = 7
"""So many bytes a piece cut every header and every trailer of a compressed body."""


class Broken(AssertionError):  # noqa: N818  (it is broken; the message says what)
    """A target came to an end, and to a wrong one."""


class Dribble(io.BytesIO):
    """A stream that gives few bytes at a time, as a slow connection does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or DRIBBLE_BYTES, DRIBBLE_BYTES))


def rows(read: Callable[[bytes, int], Batch], content: bytes) -> bool:
    """Whether a body holds records; all that come out can be stored on both databases."""
    records = read(content, RECEIVED_NS).records
    for record in records:
        for name, value in columns(record):
            why = unstorable(value)
            if why:
                raise Broken(f"{name} is {why}")
    return bool(records)


def protobuf_logs(content: bytes) -> bool:
    """Whether both readers of protobuf find records, which must be the same."""
    if told(otlp_wire.read, content) != told(otlp_protobuf.read, content):
        raise Broken("the two readers of protobuf differ")
    return rows(batches.from_otlp_protobuf, content)


def inflate(encoding: str, content: bytes) -> bool:
    """Whether a body can be inflated: at once and in tiny pieces, which must come to the same."""
    at_once, in_pieces = (inflated(stream(content), encoding) for stream in (io.BytesIO, Dribble))
    if at_once != in_pieces:
        raise Broken("the pieces of a body change what it is")
    return isinstance(at_once, bytes)


def inflated(stream: io.BytesIO, encoding: str) -> bytes | str:
    """The body, or the code of its refusal."""
    try:
        return body.read_body(stream, content_length=None, encoding=encoding)
    except Refusal as refused:
        return refused.code


def told(read: Callable[[bytes], Iterator[Any]], content: bytes) -> str:
    """What a reader makes of a body, with the types of all values: 1 and True are not the same."""
    try:
        return repr([(plain(sent), plain(sent.group)) for sent in read(content)])
    except Refusal as refused:
        return refused.code


def plain(made: Any) -> dict[str, Any]:
    """The fields of what was sent, its notes as plain values."""
    values = {name: getattr(made, name) for name in made.__slots__ if name != "group"}
    notes = values.pop("notes")
    of_all = notes if isinstance(notes, tuple) else (notes,)
    return values | {"notes": [(one.counts, one.sent) for one in of_all]}


def columns(made: Any) -> Iterator[tuple[str, Any]]:
    """The values of a record and of the call that it reports, by name."""
    for one in dataclasses.fields(made):
        value = getattr(made, one.name)
        if dataclasses.is_dataclass(value):
            yield from columns(value)
        else:
            yield one.name, value


def unstorable(value: Any) -> str:
    """Why one of the databases would refuse or change a value; empty where neither does."""
    match value:
        case None | bool() | bytes():
            return ""
        case str():
            bad = "\0" in value or any("\ud800" <= character <= "\udfff" for character in value)
            return f"the text {value[:40]!a}" if bad else ""
        case int():
            return "" if INTEGER_MIN <= value <= INTEGER_MAX else f"the integer {value}"
        case float():
            return "" if math.isfinite(value) else f"the number {value}"
        case list() | tuple() | set() | frozenset():
            return next(filter(None, map(unstorable, value)), "")
        case dict():
            return next(filter(None, map(unstorable, [*value, *value.values()])), "")
    return f"a {type(value).__name__}"


TARGETS: Mapping[str, Callable[[bytes], bool]] = {
    "otlp-protobuf-logs": protobuf_logs,
    "otlp-protobuf-spans": partial(rows, batches.from_otlp_protobuf_spans),
    "otlp-json-logs": partial(rows, batches.from_otlp_json),
    "otlp-json-spans": partial(rows, batches.from_otlp_json_spans),
    "plain-json": partial(rows, partial(batches.from_native, lines=False)),
    "ndjson": partial(rows, partial(batches.from_native, lines=True)),
    "agents-json": partial(rows, batches.from_agents_json),
    "gzip": partial(inflate, "gzip"),
    "deflate": partial(inflate, "deflate"),
    "zstd": partial(inflate, "zstd"),
}
