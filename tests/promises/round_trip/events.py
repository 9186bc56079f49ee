"""Events, and how each format says them."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
    """A part of a request: what its events share, the events, and what is no event."""

    resource: Resource
    """Its one scope has the events; what is empty there is not said."""
    junk: tuple[Junk, ...] = ()

    @property
    def scope(self) -> Scope:
        return self.resource.scopes[0]

    @property
    def events(self) -> list[Record]:
        return self.scope.records


def in_session(said: Said, session: str) -> Said:
    """The same part, with what its request can be found again by."""
    attributes = Map([(SESSION, session), *said.resource.attributes])
    return replace(said, resource=replace(said.resource, attributes=attributes))


def _mapped(said: Said, change: Callable[[Any], Any]) -> Said:
    """The part with every text and value changed."""
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
    """What of a part can be said so."""
    write: Callable[[Sequence[Said]], bytes]
    """The body of a request of these parts."""


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


def plain_items(request: Sequence[Said]) -> list[tuple[str, Junk | None]]:
    """The records of a request as JSON texts, in order, and what is none among them."""
    items: list[tuple[str, Junk | None]] = []
    for said in request:
        for index, event in enumerate(said.events):
            items += [(each.text, each) for each in said.junk if each.before == index]
            items.append((_plain_record(said, event), None))
    return items


def _array(request: Sequence[Said]) -> bytes:
    return f"[{','.join(text for text, _ in plain_items(request))}]".encode()


def _lines(request: Sequence[Said]) -> bytes:
    return "\n".join(text for text, _ in plain_items(request)).encode()


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
        lambda request: protobuf([said.resource for said in request]),
    ),
    "OTLP/JSON": Format(
        "/v1/logs",
        JSON,
        _without_junk,
        lambda request: json_text([said.resource for said in request]),
    ),
    "plain JSON": Format("/api/v1/logs", JSON, _without_broken_json, _array),
    "NDJSON": Format("/api/v1/logs", NDJSON, _sayable_in_plain_json, _lines),
}
