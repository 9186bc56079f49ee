"""Log records: appended, each of them stored once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Text, and_, cast, delete, literal, null, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from agentlogger.intake.record import Record, Rejection
from agentlogger.models.database import db, table_of
from agentlogger.models.identities import RecordIdentity
from agentlogger.models.logs import LogRecord
from agentlogger.store.clock import day_of
from agentlogger.store.connections import backend_of, place, writing
from agentlogger.store.identifiers import new_record_ids
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)
IDENTITIES = table_of(RecordIdentity)
JSON_COLUMNS = ("body", "attributes", "resource", "scope", "envelope", "adjustments")
ADDED = ("project_id", "id", "stray")
NOT_READ_YET = (
    "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning",
    "cost_micro_usd",
)  # fmt: skip
"""Columns that no reader fills yet: an unknown count is null, never zero and never a guess."""
PLAIN_COLUMNS = tuple(
    column.name
    for column in TABLE.columns
    if column.name not in (*ADDED, *JSON_COLUMNS, *NOT_READ_YET)
)
COLUMNS = (*ADDED, *PLAIN_COLUMNS, *JSON_COLUMNS)
"""The columns an insert fills, in its order."""

_plain = attrgetter(*PLAIN_COLUMNS)
_json = attrgetter(*JSON_COLUMNS)


@dataclass(frozen=True)
class Appended:
    """What became of records: sent = stored + duplicates + rejections."""

    stored: int
    duplicates: int
    rejections: list[Rejection]


Numbered = tuple[int, tuple[int, int, int], Record]
"""Where a record stood among those to append, the columns added to it, and the record."""
Insert = Callable[[Connection, Sequence[Numbered]], list[Rejection]]

REFUSED_VALUES = (DataError, IntegrityError, ValueError, OverflowError, TypeError)
"""What databases and drivers raise for a value they do not take. Values are made storable before
they come here (`intake/storable.py`), so this is the second net."""


def append(scope: ProjectScope, records: Sequence[Record]) -> Appended:
    """Store records; what is returned is on disk.

    A record whose identity is stored already is counted as a duplicate. A record that the database
    refuses by itself is refused alone. Raises DatabaseUnavailable or DatabaseBehind, and then
    nothing was stored.
    """
    if not records:
        return Appended(0, 0, [])
    try:
        return _append(scope, records, _insert_whole)
    except REFUSED_VALUES as fault:
        if _misplaced(fault):
            with suppress(*REFUSED_VALUES):
                return _append(scope, records, _insert_whole)
        return _append(scope, records, _insert_by_halves)


def _misplaced(fault: Exception) -> bool:
    return isinstance(fault, DBAPIError) and backend_of(db.engine.url).misplaced(fault)


def _append(scope: ProjectScope, records: Sequence[Record], insert: Insert) -> Appended:
    ids = list(new_record_ids(len(records)))
    placed = place({day_of(record.ts_ns) for record in records})
    with writing() as connection:
        known = _known_already(scope, connection, records, ids)
        numbered = [
            (index, (scope.project_id, record_id, int(day_of(record.ts_ns) not in placed)), record)
            for index, (record, record_id) in enumerate(zip(records, ids, strict=True))
            if index not in known
        ]
        rejections = insert(connection, numbered) if numbered else []
        _complete(scope, connection, [records[i] for i in sorted(known) if records[i].completes])
        _forget_identities(scope, connection, [records[item.index] for item in rejections])
    return Appended(len(numbered) - len(rejections), len(known), rejections)


def _insert_whole(connection: Connection, numbered: Sequence[Numbered]) -> list[Rejection]:
    backend = backend_of(db.engine.url)
    rows = [
        (
            *added,
            *_plain(record),
            *(None if part is None else backend.serialize(part) for part in _json(record)),
        )
        for _, added, record in numbered
    ]
    backend.insert(connection, TABLE.name, COLUMNS, rows)
    return []


def _insert_by_halves(connection: Connection, numbered: Sequence[Numbered]) -> list[Rejection]:
    """Find the rows that the database refuses, so that the others are stored."""
    try:
        with connection.begin_nested():
            return _insert_whole(connection, numbered)
    except REFUSED_VALUES as fault:
        if len(numbered) > 1:
            middle = len(numbered) // 2
            return _insert_by_halves(connection, numbered[:middle]) + _insert_by_halves(
                connection, numbered[middle:]
            )
        reason = (str(getattr(fault, "orig", fault)).strip().splitlines() or ["no reason given"])[0]
        index = numbered[0][0]
        return [Rejection(index, "record.refused", f"The database refused it: {reason}")]


def _forget_identities(
    scope: ProjectScope, connection: Connection, records: Sequence[Record]
) -> None:
    """Let a refused record be sent again, corrected, under its identity."""
    identities = [record.identity for record in records if record.identity is not None]
    if identities:
        connection.execute(
            delete(IDENTITIES).where(
                IDENTITIES.c.project_id == scope.project_id,
                IDENTITIES.c.identity.in_(identities),
            )
        )


def _known_already(
    scope: ProjectScope, connection: Connection, records: Sequence[Record], ids: Sequence[int]
) -> set[int]:
    """The indices of records whose identity was stored before, or earlier in this request."""
    first: dict[bytes, int] = {}
    with_identity = [index for index, record in enumerate(records) if record.identity is not None]
    if not with_identity:
        return set()
    for index in with_identity:
        first.setdefault(records[index].identity or b"", index)
    # Sorted, so that two requests with the same identities wait for each other and never deadlock.
    rows = [
        {
            "project_id": scope.project_id,
            "identity": identity,
            "ts_ns": records[index].ts_ns,
            "record_id": ids[index],
        }
        for identity, index in sorted(first.items())
    ]
    new = backend_of(db.engine.url).insert_new(connection, IDENTITIES, rows, "identity")
    fresh = {first[bytes(identity)] for identity in new}
    return {index for index in with_identity if index not in fresh}


def _complete(scope: ProjectScope, connection: Connection, records: Sequence[Record]) -> None:
    """Put what is known at a span's end in the place of what was known at its start.

    A record that has its duration already stays as it is: it was sent twice.
    """
    ended = {record.identity: record for record in records if record.identity is not None}
    if not ended:
        return
    begun = connection.execute(
        select(IDENTITIES.c.identity, TABLE.c.ts_ns, TABLE.c.id)
        .join(
            TABLE,
            and_(
                TABLE.c.project_id == IDENTITIES.c.project_id,
                TABLE.c.ts_ns == IDENTITIES.c.ts_ns,
                TABLE.c.id == IDENTITIES.c.record_id,
            ),
        )
        .where(
            IDENTITIES.c.project_id == scope.project_id,
            IDENTITIES.c.identity.in_(ended),
            TABLE.c.duration_ns.is_(None),
        )
    ).all()
    for identity, ts_ns, record_id in begun:
        connection.execute(
            update(TABLE)
            .where(
                TABLE.c.project_id == scope.project_id,
                TABLE.c.ts_ns == ts_ns,
                TABLE.c.id == record_id,
            )
            .values(_known_at_the_end(ended[bytes(identity)]))
        )


def _known_at_the_end(record: Record) -> dict[str, Any]:
    """The values of all columns but those of the key."""
    backend = backend_of(db.engine.url)
    values = {name: getattr(record, name) for name in PLAIN_COLUMNS if name != "ts_ns"}
    for name in JSON_COLUMNS:
        part = getattr(record, name)
        text = null() if part is None else literal(backend.serialize(part), Text())
        values[name] = cast(text, TABLE.c[name].type)
    return values
