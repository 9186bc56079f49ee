"""The shapes of a tail: what is asked for, and a record as it is sent to those who follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import orjson
from marshmallow import fields, validate

from agentlogger.intake import times
from agentlogger.limits import TAIL_SECONDS
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.logs import LogRecordSchema
from agentlogger.schemas.moments import Digits, Iso
from agentlogger.schemas.texts import PlainText


class TailQuerySchema(AskedSchema):
    """Which records to follow, from where, for how long."""

    q = PlainText(metadata={"description": "A query, as in docs/query-language.md."})
    after = fields.String(
        metadata={
            "description": "The id of an event: what came behind it is sent first. The header "
            "Last-Event-ID says the same, and wins. Without either, what comes from now on."
        }
    )
    seconds = fields.Integer(
        load_default=TAIL_SECONDS,
        validate=validate.Range(min=0, max=TAIL_SECONDS),
        metadata={"description": "How long it stays open."},
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


def record_json(row: Mapping[str, Any]) -> bytes:
    """A record as LogRecordSchema writes it, in one line of JSON.

    The schema takes 100 µs for one, and this takes a fifteenth: a tail's records are all written by
    one thread.
    """
    written = dict(zip(_NAMES, _AS_THEY_STAND(row), strict=True))
    for name, write in _WRITTEN:
        written[name] = write(row)
    return orjson.dumps(written)


def _iso(source: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda row: None if row[source] is None else times.to_iso(row[source])


def _digits(source: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda row: None if row[source] is None else str(row[source])


def _source(name: str, field: fields.Field[Any]) -> str:
    return field.source if isinstance(field, Iso) else field.attribute or name


_FIELDS = LogRecordSchema().fields
_NAMES = tuple(_FIELDS)
_SOURCES = {name: _source(name, field) for name, field in _FIELDS.items()}
_AS_THEY_STAND = itemgetter(*_SOURCES.values())
"""What most fields are: all at once, by no function of Python."""
_WRITTEN = [
    (name, (_iso if isinstance(field, Iso) else _digits)(_SOURCES[name]))
    for name, field in _FIELDS.items()
    if isinstance(field, Iso | Digits)
]
