"""What an import sends at once: parts of a file for one door, as one body."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
    """What a reader found, the parts in parcels; neighbours for different doors are no parcel."""
    waiting: list[Part] = []
    records = size = 0
    for item in found:
        if isinstance(item, Refused):
            yield item
            continue
        if waiting and (
            waiting[0].door != item.door
            or records + item.records > RECORDS
            or size + len(item.content) > BYTES
        ):
            yield Parcel(waiting[0].door, waiting)
            waiting, records, size = [], 0, 0
        waiting.append(item)
        records += item.records
        size += len(item.content)
    if waiting:
        yield Parcel(waiting[0].door, waiting)
