"""What services send, seen in passing: which events with which attributes, and since when.

Nothing here waits for a database. Records that are alike are counted together, and what is new is
handed on at once, what is known now and then.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from agentlogger.intake.record import Record
from agentlogger.limits import (
    SIGHTING_NAMES_CHARACTERS,
    SIGHTINGS_EVERY_SECONDS,
    SIGHTINGS_PENDING,
    TEXT_COLUMN_CHARACTERS,
)

EVERY_NS = SIGHTINGS_EVERY_SECONDS * 10**9


REST = bytes(32)
"""The digest of what stands for all kinds without room."""


@dataclass(frozen=True)
class Kind:
    """What makes records alike: whose they are, which event, and their attributes' names."""

    project_id: int
    service: str
    version: str
    event: str
    attributes: tuple[str, ...]
    """Sorted, and no more than are kept."""
    is_cut: bool = False
    is_rest: bool = False
    """Whether it stands for all kinds of its project for which there is no room."""

    def digest(self) -> bytes:
        """What the kind is known by within its project."""
        if self.is_rest:
            return REST
        parts = (self.service, self.version, self.event, *self.attributes)
        return hashlib.sha256("\0".join(parts).encode()).digest()


def rest_of(project_id: int) -> Kind:
    """What stands for the kinds of this project for which there is no room."""
    return Kind(project_id, "", "", "", (), is_rest=True)


@dataclass(frozen=True)
class Sighting:
    """Records of one kind that were received between two times."""

    kind: Kind
    records: int
    first_ns: int
    last_ns: int

    def with_more(self, other: Sighting) -> Sighting:
        """Both as one."""
        return replace(
            self,
            records=self.records + other.records,
            first_ns=min(self.first_ns, other.first_ns),
            last_ns=max(self.last_ns, other.last_ns),
        )


class Sightings:
    """What a worker has seen and not yet handed on, within bounds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[Kind, Sighting] = {}
        self._kinds: dict[tuple[Any, ...], Kind] = {}
        """The kind of each layout, as its names come: found once."""
        self._known: set[Kind] = set()
        """What was handed on before; forgotten when it becomes too much."""
        self._handed_ns = 0

    def see(self, project_id: int, records: Iterable[Record]) -> None:
        """Count records that were stored. It takes one to three microseconds for each."""
        counted: dict[tuple[Any, ...], list[int]] = {}
        names: dict[int, tuple[str, str]] = {}
        for record in records:
            resource = record.resource
            named = names.get(id(resource))
            if named is None:
                named = names[id(resource)] = _service(resource)
            key = (*named, record.event, tuple(record.attributes))
            seen = counted.get(key)
            if seen is None:
                counted[key] = [1, record.received_ns]
            else:
                seen[0] += 1
        with self._lock:
            for key, (number, received_ns) in counted.items():
                self._add(Sighting(self._kind(project_id, key), number, received_ns, received_ns))

    def take(self, now_ns: int, *, everything: bool = False) -> list[Sighting]:
        """What is to be written now: kinds that are new, and the others once a minute."""
        with self._lock:
            is_time = everything or now_ns - self._handed_ns >= EVERY_NS
            taken = [
                one for one in self._pending.values() if is_time or one.kind not in self._known
            ]
            for one in taken:
                del self._pending[one.kind]
            if is_time:
                self._handed_ns = now_ns
            if len(self._known) > SIGHTINGS_PENDING:
                self._known.clear()
            self._known.update(one.kind for one in taken)
            return taken

    def give_back(self, taken: Iterable[Sighting]) -> None:
        """Keep what could not be written, as far as there is room."""
        with self._lock:
            for one in taken:
                self._known.discard(one.kind)
                self._add(one)

    def _add(self, sighting: Sighting) -> None:
        if sighting.kind not in self._pending and len(self._pending) >= SIGHTINGS_PENDING:
            sighting = replace(sighting, kind=rest_of(sighting.kind.project_id))
        before = self._pending.get(sighting.kind)
        self._pending[sighting.kind] = sighting if before is None else before.with_more(sighting)

    def _kind(self, project_id: int, key: tuple[Any, ...]) -> Kind:
        found = self._kinds.get((project_id, *key))
        if found is None:
            found = _kind(project_id, *key)
            if not found.is_cut:
                if len(self._kinds) >= SIGHTINGS_PENDING:
                    self._kinds.clear()
                self._kinds[project_id, *key] = found
        return found


def _kind(
    project_id: int, service: str, version: str, event: str | None, names: tuple[str, ...]
) -> Kind:
    kept: list[str] = []
    room = SIGHTING_NAMES_CHARACTERS
    for name in sorted(names):
        room -= len(name)
        if room < 0:
            break
        kept.append(name)
    return Kind(project_id, service, version, event or "", tuple(kept), len(kept) < len(names))


def _service(resource: dict[str, Any]) -> tuple[str, str]:
    return _text(resource.get("service.name")), _text(resource.get("service.version"))


def _text(value: Any) -> str:
    return value[:TEXT_COLUMN_CHARACTERS] if isinstance(value, str) else ""
