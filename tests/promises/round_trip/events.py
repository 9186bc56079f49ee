"""Events as Hypothesis draws them: whatever a client can say, said in three formats."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.intake.exports import Map, Record, Resource, Scope, json_text, protobuf

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NDJSON = "application/x-ndjson"

MARK = "#"
"""The attribute that tells which event of its request a record is."""
SESSION = "session.id"
"""The attribute of the resource that tells which request a record came in."""


@dataclass(frozen=True)
class Junk:
    """What is no record, where plain JSON has records: it is refused alone."""

    before: int
    """The index of the event that it stands before."""
    text: str
    code: str


@dataclass(frozen=True)
class Said:
    """A request: what its events share, the events, and what is no event."""

    resource: Resource
    """Its one scope has the events; what is empty there is not said."""
    junk: tuple[Junk, ...] = ()

    @property
    def scope(self) -> Scope:
        return self.resource.scopes[0]

    @property
    def events(self) -> list[Record]:
        return self.scope.records


def _whole(text: str) -> str:
    """A text in which no two surrogates are a pair: written as JSON these would be a character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


TEXTS = st.one_of(
    st.text(max_size=12),
    st.text(st.characters(exclude_categories=[]), max_size=8).map(_whole),
    st.sampled_from(
        ["x" * 600, "a\0b", "\ud800", "é", "e\u0301", "\u202e\x1b[31m", "NaN", "\ufffd"]
    ),
)
KEYS = st.one_of(
    st.sampled_from(
        ["a", "a\0", "a\ufffd", "a\ufffd~2", "", "user.id", "gen_ai.tool.name", "model", "a.b"]
    ),
    st.text(max_size=8),
    st.text(st.characters(exclude_categories=[]), max_size=4).map(_whole),
).filter(lambda key: key not in {MARK, SESSION})
EDGES = [2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 2**64]
PLAIN = st.one_of(
    st.none(),
    TEXTS,
    st.booleans(),
    st.integers(),
    st.sampled_from(EDGES),
    st.floats(),
    st.sampled_from([-0.0, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 0.1, 1.0]),
    st.binary(max_size=8),
)
DEEP = st.integers(60, 68)


def _nested(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else Map([("k", value)])
    return value


def _maps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Map]:
    return st.lists(st.tuples(KEYS, values), max_size=3).map(Map)


VALUES = st.one_of(
    st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | _maps(inner), max_leaves=5),
    st.deferred(lambda: DEEP.map(_nested)),
)
TIMES = st.one_of(
    st.just(0),
    st.integers(1_600_000_000 * 10**9, 1_900_000_000 * 10**9),
    st.integers(1, 2**64 - 1),
    st.sampled_from([1, 2**63 - 1, 2**63, 2**64 - 1]),
)
COUNTS = st.one_of(st.just(0), st.integers(0, 2**32 - 1))


def _ids(size: int) -> st.SearchStrategy[bytes]:
    right = st.binary(min_size=size, max_size=size)
    return st.one_of(st.just(b""), right, right, st.binary(max_size=20), st.just(bytes(size)))


RECORDS = st.builds(
    Record,
    time=TIMES,
    observed=TIMES,
    severity=st.one_of(st.integers(0, 24), st.sampled_from([-1, 25, 2**31 - 1])),
    severity_text=st.sampled_from(["", "WARN", "error", "Level 5", "a\0"]),
    event_name=st.one_of(st.just(""), st.text(max_size=8), st.just("codex.tool_result\0")),
    body=VALUES,
    attributes=_maps(VALUES),
    dropped=COUNTS,
    flags=COUNTS,
    trace_id=_ids(16),
    span_id=_ids(8),
)
JUNK = st.tuples(
    st.integers(0, 12),
    st.sampled_from([("42", "object"), ("null", "object"), ('"{}"', "object"), ("{", "json")]),
)


@st.composite
def requests(draw: st.DrawFn) -> Said:
    """A request of a few events."""
    events = draw(st.lists(RECORDS, min_size=10, max_size=20))
    marked = [
        replace(each, attributes=Map([(MARK, index), *each.attributes]))
        for index, each in enumerate(events)
    ]
    scope = draw(
        st.builds(
            Scope,
            name=st.one_of(st.just(""), TEXTS),
            version=st.text(max_size=4),
            attributes=_maps(PLAIN),
            dropped=COUNTS,
            schema_url=st.text(max_size=4),
        )
    )
    scope.records = marked
    resource = draw(
        st.builds(Resource, attributes=_maps(PLAIN), dropped=COUNTS, schema_url=st.text(max_size=4))
    )
    resource.scopes = [scope]
    junk = [
        Junk(before, text, "record.not_object" if kind == "object" else "record.undecodable")
        for before, (text, kind) in draw(st.lists(JUNK, max_size=2))
    ]
    return Said(resource, tuple(junk))


def in_session(said: Said, session: str) -> Said:
    """The same request, by which it can be found again."""
    attributes = Map([(SESSION, session), *said.resource.attributes])
    return replace(said, resource=replace(said.resource, attributes=attributes))


def _mapped(said: Said, change: Callable[[Any], Any]) -> Said:
    """The request with every text and value changed."""
    events = [
        replace(
            each,
            body=change(each.body),
            attributes=change(each.attributes),
            event_name=change(each.event_name),
            severity_text=change(each.severity_text),
        )
        for each in said.events
    ]
    scope = replace(
        said.scope,
        name=change(said.scope.name),
        version=change(said.scope.version),
        attributes=change(said.scope.attributes),
        schema_url=change(said.scope.schema_url),
        records=events,
    )
    resource = replace(
        said.resource,
        attributes=change(said.resource.attributes),
        schema_url=change(said.resource.schema_url),
        scopes=[scope],
    )
    return replace(said, resource=resource)


def _sayable_in_protobuf(value: Any) -> Any:
    """The nearest that protobuf can say: it has neither lone surrogates nor large integers."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case bool():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case list():
            return [_sayable_in_protobuf(item) for item in value]
        case Map():
            return Map(
                (_sayable_in_protobuf(key), _sayable_in_protobuf(item)) for key, item in value
            )
    return value


def _sayable_in_plain_json(said: Said) -> Said:
    """Without what only OTLP has a place for."""
    events = [replace(each, dropped=0, flags=0) for each in said.events]
    scope = replace(said.scope, dropped=0, schema_url="", records=events)
    return replace(said, resource=replace(said.resource, dropped=0, schema_url="", scopes=[scope]))


@dataclass(frozen=True)
class Format:
    """A way to say a request."""

    path: str
    media_type: str
    sayable: Callable[[Said], Said]
    """What of a request can be said so."""
    write: Callable[[Said], bytes]


def _plain_value(value: Any) -> str:
    """A value as JSON text; equal keys are written as often as they are there."""
    match value:
        case bytes():
            return json.dumps(base64.b64encode(value).decode())
        case list():
            return f"[{','.join(map(_plain_value, value))}]"
        case Map():
            pairs = (f"{json.dumps(key)}:{_plain_value(item)}" for key, item in value)
            return f"{{{','.join(pairs)}}}"
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return json.dumps(value)


UNSET = ("", None)


def _plain_record(said: Said, event: Record) -> str:
    """A record as JSON text. What is unset is not said: an empty text would be an attribute.

    A body may be empty.
    """
    scope = {
        "name": said.scope.name,
        "version": said.scope.version,
        "attributes": said.scope.attributes,
    }
    fields = {
        "ts_ns": event.time,
        "observed_ns": event.observed,
        "severity_number": event.severity,
        "severity_text": event.severity_text,
        "event_name": event.event_name,
        "body": event.body,
        "attributes": event.attributes,
        "resource": said.resource.attributes,
        "scope": Map((name, part) for name, part in scope.items() if part),
        "trace_id": event.trace_id.hex(),
        "span_id": event.span_id.hex(),
    }
    said_fields = [
        (name, part) for name, part in fields.items() if name == "body" or part not in UNSET
    ]
    return _plain_value(Map(said_fields))


def plain_items(said: Said) -> list[tuple[str, Junk | None]]:
    """The records of a request as JSON texts, in order, and what is none among them."""
    items: list[tuple[str, Junk | None]] = []
    for index, event in enumerate(said.events):
        items += [(each.text, each) for each in said.junk if each.before == index]
        items.append((_plain_record(said, event), None))
    return items


def _array(said: Said) -> bytes:
    return f"[{','.join(text for text, _ in plain_items(said))}]".encode()


def _lines(said: Said) -> bytes:
    return "\n".join(text for text, _ in plain_items(said)).encode()


def _without_broken_json(said: Said) -> Said:
    readable = tuple(each for each in said.junk if each.code == "record.not_object")
    return replace(_sayable_in_plain_json(said), junk=readable)


def _without_junk(said: Said) -> Said:
    return replace(said, junk=())


FORMATS = {
    "OTLP protobuf": Format(
        "/v1/logs",
        PROTOBUF,
        lambda said: _without_junk(_mapped(said, _sayable_in_protobuf)),
        lambda said: protobuf([said.resource]),
    ),
    "OTLP/JSON": Format("/v1/logs", JSON, _without_junk, lambda said: json_text([said.resource])),
    "plain JSON": Format("/api/v1/logs", JSON, _without_broken_json, _array),
    "NDJSON": Format("/api/v1/logs", NDJSON, _sayable_in_plain_json, _lines),
}
