"""Walks stored records and redacts them, a batch and a transaction at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, Text, and_, cast, literal, or_, select, update

from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store import ledger, merging
from agentlogger.store.clock import day_of
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.texts import index as text_index

TABLE = table_of(LogRecord)
KEY = ("project_id", "ts_ns", "id", "stray")
JSON_COLUMNS = {"body", "attributes", "resource", "scope", "envelope", "adjustments"}

BATCH = 200
"""Records that are looked at in one go: their texts are in memory, and on SQLite everybody waits
while those that change are written."""

Scrub = Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, int]]]
"""Given a record, the columns that must change and how often each rule was applied."""


@dataclass(frozen=True)
class Place:
    """The key of the last record that was looked at, within its project."""

    stray: int
    ts_ns: int
    record_id: int


@dataclass
class Scrubbed:
    """What became of a batch."""

    seen: int = 0
    changed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    days: set[tuple[int, int]] = field(default_factory=set)
    """Of the records that changed: their `stray` and their day since 1970."""
    last: Place | None = None
    """Where to go on; None at the end."""


def scrub(
    scope: ProjectScope, after: Place | None, redact: Scrub, *, received_to_ns: int, dry_run: bool
) -> Scrubbed:
    """Redact the next records behind `after`, of those received until then.

    Raises DatabaseUnavailable, and then nothing of the batch was changed.
    """
    strays = [
        each for each in backend_of(db.engine.url).STRAYS if after is None or each >= after.stray
    ]
    for stray in strays:
        begin = after if after is not None and after.stray == stray else None
        with reading() as connection:
            rows = all_rows(connection.execute(_next(scope, stray, begin, received_to_ns)))
        if rows:
            return _batch(scope, rows, redact, dry_run=dry_run)
    return Scrubbed()


def _next(scope: ProjectScope, stray: int, after: Place | None, received_to_ns: int) -> Select[Any]:
    columns = TABLE.c
    conditions = [
        columns.project_id == scope.project_id,
        columns.stray == stray,
        columns.received_ns <= received_to_ns,
    ]
    if after is not None:
        # The first of the two is the range of the index, which no partition before it has.
        conditions.append(columns.ts_ns >= after.ts_ns)
        conditions.append(
            or_(
                columns.ts_ns > after.ts_ns,
                and_(columns.ts_ns == after.ts_ns, columns.id > after.record_id),
            )
        )
    return select(TABLE).where(*conditions).order_by(columns.ts_ns, columns.id).limit(BATCH)


def _batch(scope: ProjectScope, rows: Sequence[Row], redact: Scrub, *, dry_run: bool) -> Scrubbed:
    last = rows[-1]
    result = Scrubbed(len(rows), last=Place(last["stray"], last["ts_ns"], last["id"]))
    # Most records hold no secret: those that do are found without keeping anybody from writing.
    found = [row for row in rows if redact(row)[0]]
    if dry_run:
        for row in found:
            _count(result, row, redact(row)[1])
    elif found:
        with writing() as connection:
            backend_of(db.engine.url).delete_securely(connection)
            words: dict[ledger.Place, dict[str, Any]] = {}
            for row in found:
                changes = _rewrite(scope, connection, row, redact, result)
                if changes.keys() & set(merging.WORDS):
                    words[row["ts_ns"], row["id"]] = changes
            ledger.reword(scope, connection, words)
            text_index.forget(scope, connection, [(row["ts_ns"], row["id"]) for row in found])
    return result


def _rewrite(
    scope: ProjectScope, connection: Connection, row: Row, redact: Scrub, result: Scrubbed
) -> dict[str, Any]:
    """Redact a record as it is now: a span may have been completed since it was read.

    Returned are the columns that were changed.
    """
    same = and_(
        TABLE.c.project_id == scope.project_id,
        *(TABLE.c[name] == row[name] for name in KEY if name != "project_id"),
    )
    for now in all_rows(connection.execute(select(TABLE).where(same).with_for_update())):
        changes, counts = redact(now)
        if changes:
            connection.execute(update(TABLE).where(same).values(_values(changes)))
            _count(result, now, counts)
            return changes
    return {}


def _count(result: Scrubbed, row: Row, counts: Mapping[str, int]) -> None:
    result.changed += 1
    result.counts.update(counts)
    result.days.add((row["stray"], day_of(row["ts_ns"])))


def _values(changes: Mapping[str, Any]) -> dict[str, Any]:
    serialize = backend_of(db.engine.url).serialize
    return {
        name: cast(literal(serialize(value), Text()), TABLE.c[name].type)
        if name in JSON_COLUMNS
        else value
        for name, value in changes.items()
    }


def erase(scope: OperatorScope, days: set[tuple[int, int]] | None, *, rewrite: bool) -> list[str]:
    """Have the database forget what records held before; return what is left, as sentences.

    `days` are those of the records that changed, as `Scrubbed` tells them; None is all. With
    `rewrite` tables are written anew where that alone removes it, and locked meanwhile.
    """
    del scope
    return backend_of(db.engine.url).erase(db.engine, days, rewrite=rewrite)
