"""Exports of this program: a record a line, as the API shows it, and a trailer.

A record is sent on as it was sent first, by OTLP, with word of where it was stored before: it is
read anew there, and stored once however often it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.intake import otlp_writing
from agentlogger.intake.files.opening import Line
from agentlogger.intake.files.parts import (
    LOGS_PROTOBUF,
    TRACES_PROTOBUF,
    Part,
    Refused,
    objects,
)

TRAILER = "trailer"

OURS = {"id", "ts_ns", "ts_source", "severity_source", "received_time", "attributes", "resource"}
"""Fields that together only a record of the API has."""


def looks_like(fields: dict[str, Any]) -> bool:
    """Whether a line can be one of an export."""
    return fields.keys() >= OURS or fields.keys() == {TRAILER}


def read(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The records of an export, and whether the trailer says that some are missing."""
    count = 0
    for found in objects(lines):
        if isinstance(found, Refused):
            yield found
            continue
        line, fields = found
        if fields.keys() == {TRAILER}:
            yield from _checked(line.number, fields[TRAILER], count)
            count = 0
        elif fields.keys() >= OURS:
            count += 1
            yield part(line.number, fields)
        else:
            yield Refused(line.number, "the line is no record of an export")


def part(line: int, record: dict[str, Any], *, plain: bool = False) -> Part:
    """A record for the door that it came by."""
    door = TRACES_PROTOBUF if otlp_writing.is_span(record) else LOGS_PROTOBUF
    return Part(door, otlp_writing.export(record, plain=plain), line)


def _checked(line: int, trailer: Any, count: int) -> Iterator[Refused]:
    """What a trailer says that is not so. The records before it are taken all the same."""
    told = trailer if isinstance(trailer, dict) else {}
    if told.get("records") != count:
        yield Refused(line, f"the export had {told.get('records')} records, and {count} are here")
    elif told.get("complete") is not True:
        yield Refused(line, "the export ended early: what was behind it is not here")
