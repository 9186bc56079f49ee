"""The schema watch: what services send, written down within bounds, and read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, func, select

from agentlogger.intake.sightings import REST, Sighting, rest_of
from agentlogger.limits import SIGHTINGS_FORGOTTEN_DAYS, SIGHTINGS_KEPT
from agentlogger.models import sightings as models
from agentlogger.models.database import db, table_of
from agentlogger.store.clock import DAY_NS
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(models.Sighting)


@dataclass(frozen=True)
class SightingFilter:
    """What is meant; None means any."""

    service: str | None = None
    version: str | None = None
    event: str | None = None
    attribute: str | None = None
    new_since_ns: int | None = None
    """Only what was not received before."""


def note(scope: OperatorScope, sightings: Iterable[Sighting]) -> None:
    """Write down what was seen in any projects, each kind in one row.

    Where a project has no room for a new kind, the kinds that nobody has sent for long are
    forgotten; where that is not enough, the records of the new one are only counted. Raises
    DatabaseUnavailable or DatabaseBehind, and then nothing was written.
    """
    del scope
    by_project: dict[int, dict[bytes, Sighting]] = defaultdict(dict)
    for one in sightings:
        digest, theirs = one.kind.digest(), by_project[one.kind.project_id]
        theirs[digest] = one.with_more(theirs[digest]) if digest in theirs else one
    if not by_project:
        return
    with writing() as connection:
        # Sorted, so that two workers that note the same wait for each other and never deadlock.
        for project_id in sorted(by_project):
            _note(connection, project_id, by_project[project_id])


def of_project(scope: ProjectScope, wanted: SightingFilter) -> tuple[list[Row], Row | None]:
    """What was seen in a project, and the records that were only counted, or None.

    What was seen is put together by service, version and event, the last received first; each has
    its `attributes` by name, with counts and times of their own.
    """
    statement = select(TABLE).where(TABLE.c.project_id == scope.project_id)
    with reading() as connection:
        rows = all_rows(connection.execute(statement))
    rest = next((row for row in rows if row["digest"] == REST), None)
    found: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        if row is not rest and _is_wanted(row, wanted):
            _put_together(found, row)
    events = [_chosen(event, wanted) for event in found.values()]
    last_first = sorted(
        (event for event in events if event is not None),
        key=lambda event: (-event["last_ns"], event["service"], event["version"], event["event"]),
    )
    return last_first, rest


def _is_wanted(row: Row, wanted: SightingFilter) -> bool:
    return all(
        asked is None or row[name] == asked
        for name in ("service", "version", "event")
        for asked in (getattr(wanted, name),)
    )


def _put_together(found: dict[tuple[str, str, str], Row], row: Row) -> None:
    same = {name: row[name] for name in ("service", "version", "event")}
    event = found.setdefault(
        (row["service"], row["version"], row["event"]), same | {"attributes": {}, "is_cut": False}
    )
    event["is_cut"] = event["is_cut"] or row["is_cut"]
    for one in (
        event,
        *(event["attributes"].setdefault(name, {"name": name}) for name in row["attributes"]),
    ):
        one["records"] = one.get("records", 0) + row["records"]
        one["first_ns"] = min(one.get("first_ns", row["first_ns"]), row["first_ns"])
        one["last_ns"] = max(one.get("last_ns", row["last_ns"]), row["last_ns"])


def _chosen(event: Row, wanted: SightingFilter) -> Row | None:
    """An event with those of its attributes that are meant; None where it is not meant itself."""
    named = event["attributes"]
    if wanted.attribute is not None:
        named = {name: own for name, own in named.items() if name == wanted.attribute}
        if not named:
            return None
    since_ns = wanted.new_since_ns
    if since_ns is not None and event["first_ns"] < since_ns:
        named = {name: own for name, own in named.items() if own["first_ns"] >= since_ns}
        if not named:
            return None
    return event | {"attributes": [named[name] for name in sorted(named)]}


def _note(connection: Connection, project_id: int, theirs: dict[bytes, Sighting]) -> None:
    there = TABLE.c.project_id == project_id
    known = set(
        connection.execute(
            select(TABLE.c.digest).where(there, TABLE.c.digest.in_(list(theirs)))
        ).scalars()
    )
    new = [digest for digest in theirs if digest not in known and digest != REST]
    kept = dict(theirs)
    if new:
        room = _room(connection, project_id, len(new), max(one.last_ns for one in theirs.values()))
        for digest in new[room:]:
            lost = kept.pop(digest)
            rest = replace(lost, kind=rest_of(project_id))
            kept[REST] = rest.with_more(kept[REST]) if REST in kept else rest
    insert = backend_of(db.engine.url).insert_statement(TABLE)
    counted = insert.on_conflict_do_update(
        index_elements=[TABLE.c.project_id, TABLE.c.digest],
        set_={
            "records": TABLE.c.records + insert.excluded.records,
            "last_ns": insert.excluded.last_ns,
        },
    )
    connection.execute(counted, [_row(digest, kept[digest]) for digest in sorted(kept)])


def _room(connection: Connection, project_id: int, wanted: int, now_ns: int) -> int:
    """For how many new kinds there is room, after forgetting where that is needed."""
    there = TABLE.c.project_id == project_id
    number = select(func.count()).where(there, TABLE.c.digest != REST)
    room = SIGHTINGS_KEPT - connection.execute(number).scalar_one()
    if room < wanted:
        before = now_ns - SIGHTINGS_FORGOTTEN_DAYS * DAY_NS
        gone = connection.execute(delete(TABLE).where(there, TABLE.c.last_ns < before)).rowcount
        room += gone
    return max(0, room)


def _row(digest: bytes, one: Sighting) -> Row:
    kind = one.kind
    return {
        "project_id": kind.project_id,
        "digest": digest,
        "service": kind.service,
        "version": kind.version,
        "event": kind.event,
        "attributes": list(kind.attributes),
        "is_cut": kind.is_cut,
        "records": one.records,
        "first_ns": one.first_ns,
        "last_ns": one.last_ns,
    }
