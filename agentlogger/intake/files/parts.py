"""What a reader of files makes of one: records and exports as a door takes them, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agentlogger.intake.files.opening import Line

NATIVE = "native"
"""The door of plain JSON; the content is one object on one line."""

LOGS_JSON, TRACES_JSON = "logs json", "traces json"
LOGS_PROTOBUF, TRACES_PROTOBUF = "logs protobuf", "traces protobuf"
"""The doors of OTLP; the content is an export."""


@dataclass(frozen=True, slots=True)
class Part:
    """One record, or one export of several."""

    door: str
    content: bytes
    line: int
    """Where it stands in its file: the number of the line or message, from 1."""
    records: int = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """A line of a file that nothing can be made of, and why."""

    line: int
    reason: str


Reader = Callable[[Iterator[Line]], Iterator[Part | Refused]]
"""Reads a file from its beginning. Memory follows its longest line, never its length."""


def record(line: int, identity: str, fields: dict[str, Any]) -> Part:
    """A record for the door of plain JSON; unset fields are left out."""
    said = {name: value for name, value in fields.items() if value is not None}
    return Part(NATIVE, json.dumps({"id": identity, **said}).encode(), line)


def loads(content: bytes) -> Any:
    """The value of a JSON text: integers exact. Raises ValueError, its text a reason."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as fault:
        raise ValueError(f"is not JSON ({fault})") from None


def objects(lines: Iterator[Line]) -> Iterator[tuple[Line, dict[str, Any]] | Refused]:
    """Each line with its JSON object, or why it holds none; empty lines are left out."""
    for line in lines:
        if line.fault:
            yield Refused(line.number, line.fault)
            continue
        if not line.content.strip():
            continue
        try:
            found = loads(line.content)
        except ValueError as fault:
            yield Refused(line.number, f"the line {fault}")
            continue
        if isinstance(found, dict):
            yield line, found
        else:
            yield Refused(line.number, "the line is no JSON object")
