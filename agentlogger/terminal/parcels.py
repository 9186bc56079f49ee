"""What an import sends at once: parts of a file for one door, as one body."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agentlogger.intake.files import parts
from agentlogger.intake.files.parts import Part, Refused

RECORDS = 1_000
"""Records in one body: the database commits once for so many."""

BYTES = 4 * 1024 * 1024
"""Bytes of one body, unless a single part is larger."""

FIELDS = {parts.LOGS_JSON: "resourceLogs", parts.TRACES_JSON: "resourceSpans"}


@dataclass(frozen=True)
class Parcel:
    """Parts for one door."""

    door: str
    parts: list[Part]

    @property
    def records(self) -> int:
        """How many records it holds."""
        return sum(part.records for part in self.parts)

    def body(self) -> bytes:
        """The parts as one body."""
        contents = [part.content for part in self.parts]
        if self.door == parts.NATIVE:
            return b"\n".join(contents)
        field = FIELDS.get(self.door)
        if field is None or len(contents) == 1:
            # Protobuf: messages one after the other are one message with the items of all.
            return b"".join(contents)
        return json.dumps(
            {field: [item for one in contents for item in json.loads(one)[field]]}
        ).encode()

    def line_of(self, index: int) -> int:
        """The line of the file in which a record stands, by its place in the body."""
        for part in self.parts:
            if index < part.records:
                return part.line
            index -= part.records
        return self.parts[-1].line

    def halves(self) -> list[Parcel]:
        """The same in two, where that can be."""
        middle = len(self.parts) // 2
        return [Parcel(self.door, half) for half in (self.parts[:middle], self.parts[middle:])]


def packed(found: Iterable[Part | Refused]) -> Iterator[Parcel | Refused]:
    """What a reader found, the parts in parcels: each door's wait for themselves."""
    waiting: dict[str, _Waiting] = {}
    for item in found:
        if isinstance(item, Refused):
            yield item
            continue
        there = waiting.setdefault(item.door, _Waiting())
        if there.parts and (
            there.records + item.records > RECORDS or there.size + len(item.content) > BYTES
        ):
            yield Parcel(item.door, there.parts)
            there = waiting[item.door] = _Waiting()
        there.add(item)
    for door, there in waiting.items():
        yield Parcel(door, there.parts)


@dataclass
class _Waiting:
    """Parts that wait for others of their door."""

    parts: list[Part] = field(default_factory=list)
    records: int = 0
    size: int = 0

    def add(self, part: Part) -> None:
        self.parts.append(part)
        self.records += part.records
        self.size += len(part.content)
