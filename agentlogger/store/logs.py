"""Log records: append, one page of them, one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    and_,
    cast,
    delete,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from agentlogger.intake.record import Record, Rejection
from agentlogger.models.database import db, table_of
from agentlogger.models.identities import RecordIdentity
from agentlogger.models.logs import LogRecord
from agentlogger.store.clock import day_of
from agentlogger.store.connections import backend_of, place, reading, writing
from agentlogger.store.identifiers import new_record_ids, parse_public_id, public_id
from agentlogger.store.rows import Row, all_rows, first_row
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


@dataclass(frozen=True)
class LogFilter:
    """Which records to list; None means any. Times are nanoseconds, `to_ns` is not included."""

    from_ns: int | None = None
    to_ns: int | None = None
    severity_min: int | None = None
    severity_max: int | None = None
    event: str | None = None
    session: str | None = None
    model: str | None = None
    trace: str | None = None


@dataclass(frozen=True)
class Position:
    """Where a page ended: the key of its last record."""

    ts_ns: int
    record_id: int


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


def page(
    scope: ProjectScope, wanted: LogFilter, *, after: Position | None, limit: int
) -> list[Row]:
    """At most `limit` records, newest first, from behind `after` on.

    The key of a page's last record is where the next one begins: records that arrive in between
    shift nothing, and none comes twice.
    """
    parts = [
        select(TABLE)
        .where(TABLE.c.stray == stray, *_conditions(scope, wanted, after))
        .order_by(TABLE.c.ts_ns.desc(), TABLE.c.id.desc())
        .limit(limit)
        for stray in backend_of(db.engine.url).STRAYS
    ]
    with reading() as connection:
        rows = all_rows(connection.execute(_newest_of(parts, limit)))
    return [_with_public_id(row) for row in rows]


def _newest_of(parts: Sequence[Select[Any]], limit: int) -> Select[Any]:
    """The newest records of the daily partitions and the strays': each part walks its own index."""
    if len(parts) == 1:
        return parts[0]
    both = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(both).order_by(both.c.ts_ns.desc(), both.c.id.desc()).limit(limit)


def _conditions(scope: ProjectScope, wanted: LogFilter, after: Position | None) -> list[Any]:
    columns = TABLE.c
    equal = {
        columns.event: wanted.event,
        columns.session_id: wanted.session,
        columns.model: wanted.model,
        columns.trace_id: wanted.trace,
    }
    conditions: list[Any] = [columns.project_id == scope.project_id]
    conditions += [column == value for column, value in equal.items() if value is not None]
    if wanted.from_ns is not None:
        conditions.append(columns.ts_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        conditions.append(columns.ts_ns < wanted.to_ns)
    if wanted.severity_min is not None:
        conditions.append(columns.severity_number >= wanted.severity_min)
    if wanted.severity_max is not None:
        conditions.append(columns.severity_number <= wanted.severity_max)
    if after is not None:
        # The first condition is what lets PostgreSQL leave newer partitions unopened.
        conditions.append(columns.ts_ns <= after.ts_ns)
        conditions.append(
            or_(
                columns.ts_ns < after.ts_ns,
                and_(columns.ts_ns == after.ts_ns, columns.id < after.record_id),
            )
        )
    return conditions


def one(scope: ProjectScope, identifier: str) -> Row | None:
    """The record with this public id, or None where the project has none."""
    key = parse_public_id(identifier)
    if key is None:
        return None
    # One query a partition: PostgreSQL leaves none unopened where `stray` may have two values.
    parts = [
        select(TABLE).where(
            TABLE.c.project_id == scope.project_id,
            TABLE.c.stray == stray,
            TABLE.c.ts_ns == key[0],
            TABLE.c.id == key[1],
        )
        for stray in backend_of(db.engine.url).STRAYS
    ]
    with reading() as connection:
        row = first_row(connection.execute(_newest_of(parts, 1)))
    return None if row is None else _with_public_id(row)


def _with_public_id(row: Row) -> Row:
    return {**row, "public_id": public_id(row["ts_ns"], row["id"])}
