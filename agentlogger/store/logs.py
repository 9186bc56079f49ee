"""Log records: one page of them, all of them in pieces, one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, and_, case, or_, select, tuple_, union_all

from agentlogger.limits import TIME_MAX_NS
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.compiling import condition
from agentlogger.query.narrowing import narrowing
from agentlogger.query.tree import EVERYTHING, Node
from agentlogger.store import previews, text_candidates
from agentlogger.store.connections import backend_of, reading, reading_one_moment
from agentlogger.store.identifiers import parse_public_id
from agentlogger.store.rows import Row, all_rows, first_row, rows_of
from agentlogger.store.scope import ProjectScope
from agentlogger.store.text_candidates import Keys, Part, Scan, Stretch

TABLE = table_of(LogRecord)


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
    received_to_ns: int | None = None
    """What came later is left out, so that a long walk sees nothing arrive."""
    query: Node = EVERYTHING
    """What else it must be like; see `query/parsing.py`."""
    keys: tuple[tuple[int, int], ...] | None = None
    """Only these: the time and the number of each."""


@dataclass(frozen=True)
class Position:
    """Where a page ended: the key of its last record."""

    ts_ns: int
    record_id: int

    def behind(self, *, newest_first: bool) -> list[Any]:
        """What lies behind it, in this order. The first condition leaves other days unopened."""
        ts_ns, number = TABLE.c.ts_ns, TABLE.c.id
        same = ts_ns == self.ts_ns
        if newest_first:
            later = or_(ts_ns < self.ts_ns, and_(same, number < self.record_id))
            return [ts_ns <= self.ts_ns, later]
        later = or_(ts_ns > self.ts_ns, and_(same, number > self.record_id))
        return [ts_ns >= self.ts_ns, later]


@dataclass(frozen=True)
class Piece:
    """Some records of a walk, each as what it was encoded to."""

    lines: list[bytes]
    last: Position | None
    """The key of the last of them; None where there was none."""
    more: bool
    """Whether there are records behind it."""


PIECE_RECORDS = 1_000
"""Records that one transaction of a walk reads at most, some tens of milliseconds' worth: no walk
keeps a snapshot for longer than that, so neither vacuum nor a WAL's checkpoint waits for it."""

PIECE_BYTES = 1024 * 1024
"""Encoded bytes after which a piece ends, whatever the number of its records: bodies differ in size
by five orders of magnitude, and a walk shall take the same memory over all of them."""

ROWS_FETCHED = 32
"""Rows that are in memory as rows at once: the largest records have megabytes."""


def page(
    scope: ProjectScope,
    wanted: LogFilter,
    *,
    after: Position | None,
    limit: int,
    newest_first: bool = True,
) -> list[Row]:
    """At most `limit` records, newest or oldest first, from behind `after` on.

    The key of a page's last record is where the next one begins: records that arrive in between
    shift nothing, and none comes twice.

    A body of more than LARGE_CHARACTERS is cut by the database to its beginning, a text, and
    `truncated` then says how many characters it has: the database reads it, and nobody else does.
    """
    cut = previews.cut_body(TABLE).label("cut")
    rows: list[Row] = []
    with _searching(scope, wanted, after=after, newest_first=newest_first) as asked:
        for statement, parameters in asked.statements([TABLE, cut], limit):
            found = statement.subquery().c
            listed = select(
                *(column for column in found if column.name != "body"),
                case((found.cut.is_(None), found.body)).label("body"),
            ).order_by(*_in_order(found, newest_first=newest_first))
            rows += all_rows(asked.connection.execute(listed, parameters))
            if len(rows) >= limit:
                break
    return [previews.listed(row) for row in rows[:limit]]


def some(scope: ProjectScope, wanted: LogFilter, identifiers: Sequence[str]) -> list[Row]:
    """Those records with these public ids that are wanted too, newest first, as a page has them."""
    keys = tuple(key for one in identifiers if (key := parse_public_id(one)) is not None)
    return page(scope, replace(wanted, keys=keys), after=None, limit=len(keys)) if keys else []


def piece(
    scope: ProjectScope,
    wanted: LogFilter,
    encode: Callable[[Row], bytes],
    *,
    after: Position | None,
    newest_first: bool,
    most: int | None = None,
) -> Piece:
    """The next records of a walk over all that are wanted, whole, at most `most` of them.

    Each piece is a transaction of its own, read by a cursor of the database's, and begins behind
    the key of the one before. A record that was stored before the walk began and is not deleted
    meanwhile is in exactly one piece. One that is stored meanwhile may be in one or in none; with
    `received_to_ns` none that the database was given later is.
    """
    most = PIECE_RECORDS if most is None else min(most, PIECE_RECORDS)
    lines: list[bytes] = []
    last, size = None, 0
    with _searching(scope, wanted, after=after, newest_first=newest_first) as asked:
        for statement, parameters in asked.statements([TABLE], most + 1):
            streamed = statement.execution_options(stream_results=True, max_row_buffer=ROWS_FETCHED)
            found = asked.connection.execute(streamed, parameters)
            for row in rows_of(found, ROWS_FETCHED):
                if len(lines) == most or size >= PIECE_BYTES:
                    found.close()
                    return Piece(lines, last, more=True)
                lines.append(encode(previews.with_public_id(row | {"truncated": None})))
                size += len(lines[-1])
                last = Position(row["ts_ns"], row["id"])
    return Piece(lines, last, more=False)


@dataclass(frozen=True)
class _Asked:
    """A search as statements, each for what lies behind the one before."""

    connection: Connection
    scope: ProjectScope
    wanted: LogFilter
    newest_first: bool
    parts: Iterable[Part]

    def statements(
        self, columns: Sequence[Any], limit: int
    ) -> Iterator[tuple[Select[Any], dict[str, Any]]]:
        """With the parameters of each. At most `limit` records are asked for by one."""
        backend = backend_of(db.engine.url)
        for part in self.parts:
            parameters = backend.key_parameters(part.keys) if isinstance(part, Keys) else {}
            chosen = self._chosen(part, columns)
            yield _first(chosen, limit, newest_first=self.newest_first), parameters

    def _chosen(self, part: Part, columns: Sequence[Any]) -> Select[Any]:
        if isinstance(part, Keys):
            backend = backend_of(db.engine.url)
            asked = backend.key_rows()
            these = tuple_(TABLE.c.ts_ns, TABLE.c.id).in_(select(asked.c.ts_ns, asked.c.id))
            times = [ts_ns for ts_ns, _ in part.keys]
            days = backend.only_days(TABLE.c.ts_ns, min(times), max(times))
            # The keys are within these times already.
            like = conditions(self.scope, replace(self.wanted, from_ns=None, to_ns=None))
            return select(*columns).where(these, *days, *like)
        like = conditions(self.scope, self.wanted)
        if part.after is not None:
            like += Position(*part.after).behind(newest_first=self.newest_first)
        if part.before is not None:
            like += Position(*part.before).behind(newest_first=not self.newest_first)
        return select(*columns).where(*like)


@contextmanager
def _searching(
    scope: ProjectScope, wanted: LogFilter, *, after: Position | None, newest_first: bool
) -> Iterator[_Asked]:
    """A search with the connection that it reads by: of all, or of what an index leaves of it."""
    key = None if after is None else (after.ts_ns, after.record_id)
    narrowed = None
    # What has an index of its own is found by that.
    if wanted.session is None and wanted.trace is None and wanted.keys is None:
        narrowed = narrowing(wanted.query)
    with reading() if narrowed is None else reading_one_moment() as connection:
        parts: Iterable[Part] | None = None
        if narrowed is not None:
            least = 0 if wanted.from_ns is None else wanted.from_ns
            most = TIME_MAX_NS + 1 if wanted.to_ns is None else wanted.to_ns
            stretch = Stretch(least, most, key, newest_first)
            parts = text_candidates.parts(scope, connection, narrowed, stretch)
        if parts is None:
            parts = [Scan(key, None)]
        yield _Asked(connection, scope, wanted, newest_first, parts)


def _in_order(found: Any, *, newest_first: bool) -> tuple[Any, Any]:
    """By time, and among equal times by the order within a request."""
    if newest_first:
        return found.ts_ns.desc(), found.id.desc()
    return found.ts_ns.asc(), found.id.asc()


def _first(chosen: Select[Any], limit: int, *, newest_first: bool = True) -> Select[Any]:
    """The first of what is chosen.

    The daily partitions and the strays' are asked apart, so that each part walks its own index:
    PostgreSQL leaves none unopened where `stray` may have two values.
    """
    parts = [
        chosen.where(TABLE.c.stray == stray)
        .order_by(*_in_order(TABLE.c, newest_first=newest_first))
        .limit(limit)
        for stray in backend_of(db.engine.url).STRAYS
    ]
    if len(parts) == 1:
        return parts[0]
    both = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(both).order_by(*_in_order(both.c, newest_first=newest_first)).limit(limit)


def newest(scope: ProjectScope, wanted: LogFilter, of: Sequence[str], *, limit: int) -> Select[Any]:
    """The statement that reads these columns of at most `limit` records, the newest first.

    The key is read with them.
    """
    chosen = select(TABLE.c.ts_ns, TABLE.c.id, *(TABLE.c[name] for name in of))
    return _first(chosen.where(*conditions(scope, wanted)), limit)


def conditions(scope: ProjectScope, wanted: LogFilter) -> list[Any]:
    """What a record must be like to be one of those that are meant."""
    columns = TABLE.c
    equal = {
        columns.event: wanted.event,
        columns.session_id: wanted.session,
        columns.model: wanted.model,
        columns.trace_id: wanted.trace,
    }
    found: list[Any] = [columns.project_id == scope.project_id]
    found += [column == value for column, value in equal.items() if value is not None]
    if wanted.from_ns is not None:
        found.append(columns.ts_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        found.append(columns.ts_ns < wanted.to_ns)
    if wanted.severity_min is not None:
        found.append(columns.severity_number >= wanted.severity_min)
    if wanted.severity_max is not None:
        found.append(columns.severity_number <= wanted.severity_max)
    if wanted.received_to_ns is not None:
        found.append(columns.received_ns < wanted.received_to_ns)
    if wanted.keys is not None:
        # The times open no other day; no two records share a number.
        found.append(columns.ts_ns.in_([ts_ns for ts_ns, _ in wanted.keys]))
        found.append(columns.id.in_([number for _, number in wanted.keys]))
    if wanted.query != EVERYTHING:
        found.append(condition(wanted.query, TABLE, db.engine.dialect.name))
    return found


def one(scope: ProjectScope, identifier: str) -> Row | None:
    """The record with this public id, or None where the project has none."""
    key = parse_public_id(identifier)
    if key is None:
        return None
    chosen = select(TABLE).where(
        TABLE.c.project_id == scope.project_id, TABLE.c.ts_ns == key[0], TABLE.c.id == key[1]
    )
    with reading() as connection:
        row = first_row(connection.execute(_first(chosen, 1)))
    return None if row is None else previews.with_public_id(row | {"truncated": None})
