"""Log records: one page of them, all of them in pieces, one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    literal_column,
    or_,
    select,
    tuple_,
)

from agentlogger.limits import TIME_MAX_NS
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.compiling import asks_only_of, condition
from agentlogger.query.narrowing import Narrowing, narrowing
from agentlogger.query.tree import EVERYTHING, Node
from agentlogger.store import previews, selects
from agentlogger.store.backend import Days
from agentlogger.store.connections import backend_of, reading, reading_one_moment
from agentlogger.store.identifiers import parse_public_id
from agentlogger.store.rows import Row, all_rows, first_row, rows_of
from agentlogger.store.scope import ProjectScope
from agentlogger.store.selects import Columns
from agentlogger.store.texts import candidates as text_candidates
from agentlogger.store.texts import lag as text_lag
from agentlogger.store.texts.candidates import Keys, Part, Stretch
from agentlogger.store.texts.lag import Lag

TABLE = table_of(LogRecord)
KEY: Columns = (TABLE.c.ts_ns, TABLE.c.id)


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
    """Some records of a walk, as what they were encoded to, one behind the other."""

    content: bytes
    records: int
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
    """At most `limit` records, newest or oldest first, from behind `after` on; see `search`."""
    return search(scope, wanted, after=after, limit=limit, newest_first=newest_first).rows


@dataclass(frozen=True)
class Found:
    """Records of a search, and what the index of words that it asked did not have."""

    rows: list[Row]
    lag: Lag | None
    """None where it asked no index."""


def search(
    scope: ProjectScope,
    wanted: LogFilter,
    *,
    after: Position | None,
    limit: int,
    newest_first: bool = True,
) -> Found:
    """At most `limit` records, newest or oldest first, from behind `after` on.

    The key of a page's last record is where the next one begins: records that arrive in between
    shift nothing, and none comes twice.

    A body of more than LARGE_CHARACTERS is cut by the database to its beginning, a text, and
    `truncated` then says how many characters it has: the database reads it, and nobody else does.
    """
    columns, listed = _listing(db.engine.dialect.name)
    rows: list[Row] = []
    with _searching(scope, wanted, after=after, newest_first=newest_first) as asked:
        for statement, parameters in asked.statements(columns, limit):
            found = listed.select_from(statement.subquery("found"))
            found = found.order_by(*selects.in_order("found", newest_first=newest_first))
            rows += all_rows(asked.connection.execute(found, parameters))
            if len(rows) >= limit:
                break
        lag = text_lag.of_project(scope, asked.connection) if asked.asks_index else None
    return Found([previews.listed(row) for row in rows[:limit]], lag)


@cache
def _listing(dialect: str) -> tuple[Columns, Select[Any]]:
    """The columns that are read for a page, and what is then listed of them as `found`."""
    del dialect
    cut = previews.cut_body(TABLE).label("cut")
    columns = (*TABLE.c, cut)
    body = literal_column("found.body", TABLE.c.body.type)
    uncut = case((literal_column("found.cut").is_(None), body)).label("body")
    return columns, selects.out_of(
        "found", tuple(one for one in columns if one.name != "body")
    ).add_columns(uncut)


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
    # Copied together at once: what orjson returns keeps ten times as much memory as it is long.
    content, records = bytearray(), 0
    last = None
    with _searching(scope, wanted, after=after, newest_first=newest_first) as asked:
        for statement, parameters in asked.statements(selects.ALL, most + 1):
            streamed = statement.execution_options(stream_results=True, max_row_buffer=ROWS_FETCHED)
            found = asked.connection.execute(streamed, parameters)
            for row in rows_of(found, ROWS_FETCHED):
                if records == most or len(content) >= PIECE_BYTES:
                    found.close()
                    return Piece(bytes(content), records, last, more=True)
                content += encode(previews.with_public_id(row | {"truncated": None}))
                records += 1
                last = Position(row["ts_ns"], row["id"])
    return Piece(bytes(content), records, last, more=False)


LOOKED_AT = 4_000
"""Records that are looked at before an index of texts is asked, where a query only asks for values
of columns: what has one record of eighty is found there, in two milliseconds, and the index would
name nearly all records for it."""


@dataclass
class _Asked:
    """A search as statements, each for what lies behind the one before."""

    connection: Connection
    scope: ProjectScope
    wanted: LogFilter
    newest_first: bool
    after: Position | None
    parts: Iterable[Part | Days] = ()
    asks_index: bool = False
    """Whether the index of texts was asked; once it was, the connection sees one moment."""

    def statements(
        self, columns: Columns, limit: int
    ) -> Iterator[tuple[Select[Any], dict[str, Any]]]:
        """With the parameters of each. At most `limit` records are asked for by one."""
        backend = backend_of(db.engine.url)
        for part in self.parts:
            parameters = backend.key_parameters(part.keys) if isinstance(part, Keys) else {}
            if isinstance(part, Days):
                yield self._of_days(columns, self.wanted, part, limit), parameters
            else:
                like = self._like(part)
                chosen = selects.first(columns, like, limit, newest_first=self.newest_first)
                yield chosen, parameters

    def narrowed(self, narrowed: Narrowing) -> Iterator[Part | Days]:
        """What an index of texts leaves of it; all, where that is of no use now."""
        wanted, after = self.wanted, self.after
        if self.newest_first and asks_only_of(wanted.query, TABLE):
            first = self._newest_some()
            yield first
            if first.from_ns in {None, wanted.from_ns}:
                return
            wanted = replace(wanted, to_ns=first.from_ns)
        least = 0 if wanted.from_ns is None else wanted.from_ns
        most = TIME_MAX_NS + 1 if wanted.to_ns is None else wanted.to_ns
        if wanted is not self.wanted:
            # Before each record of that time, for what looks at records in order.
            after = Position(most, -1)
        key = None if after is None else (after.ts_ns, after.record_id)
        stretch = Stretch(least, most, key, self.newest_first)
        self.asks_index = True
        found = text_candidates.parts(self.scope, self.connection, narrowed, stretch)
        yield from found or _days(wanted, self.after, newest_first=self.newest_first)

    def _newest_some(self) -> Days:
        """The time of the newest records, some LOOKED_AT of them: all of it where there are fewer.

        The newest day is asked alone first, which mostly has as many.
        """
        days = [*_days(self.wanted, self.after, newest_first=True)]
        for these in (days[0], Days(self.wanted.from_ns, days[0].to_ns, is_near=False)):
            some = self._of_days(KEY, LogFilter(), these, LOOKED_AT + 1)
            least = self.connection.execute(some.limit(1).offset(LOOKED_AT)).scalar()
            if least is not None:
                return these._replace(from_ns=least)
            if len(days) == 1:
                break
        return these

    def _of_days(self, columns: Columns, wanted: LogFilter, days: Days, limit: int) -> Select[Any]:
        """The first of a part of the time."""
        within = replace(wanted, from_ns=days.from_ns, to_ns=days.to_ns)
        like = conditions(self.scope, within)
        if self.after is not None:
            like += self.after.behind(newest_first=self.newest_first)
        if not days.is_near:
            return selects.first(columns, like, limit, newest_first=self.newest_first)
        order = selects.in_order(TABLE.name, newest_first=self.newest_first)
        chosen = selects.selected(columns).where(*like).order_by(*order)
        return backend_of(db.engine.url).near(chosen, TABLE, days, limit)

    def _like(self, part: Part) -> list[Any]:
        """What the records are like that an index of texts leaves."""
        if isinstance(part, Keys):
            backend = backend_of(db.engine.url)
            asked = backend.key_rows()
            these = tuple_(TABLE.c.ts_ns, TABLE.c.id).in_(select(asked.c.ts_ns, asked.c.id))
            times = [ts_ns for ts_ns, _ in part.keys]
            days = backend.only_days(TABLE.c.ts_ns, min(times), max(times))
            # The keys are within these times already.
            like = conditions(self.scope, replace(self.wanted, from_ns=None, to_ns=None))
            return [these, *days, *like]
        like = conditions(self.scope, self.wanted)
        if part.after is not None:
            like += Position(*part.after).behind(newest_first=self.newest_first)
        if part.before is not None:
            like += Position(*part.before).behind(newest_first=not self.newest_first)
        return like


@contextmanager
def _searching(
    scope: ProjectScope, wanted: LogFilter, *, after: Position | None, newest_first: bool
) -> Iterator[_Asked]:
    """A search with the connection that it reads by: of all, or of what an index leaves of it."""
    narrowed = _narrowed(wanted)
    with reading() if narrowed is None else reading_one_moment() as connection:
        asked = _Asked(connection, scope, wanted, newest_first, after)
        asked.parts = (
            _days(wanted, after, newest_first=newest_first)
            if narrowed is None
            else asked.narrowed(narrowed)
        )
        yield asked


def _narrowed(wanted: LogFilter) -> Narrowing | None:
    """What an index of texts is asked; nothing where an index of its own finds the records."""
    has_own = (wanted.session, wanted.trace, wanted.keys) != (None, None, None)
    return None if has_own else narrowing(wanted.query)


def _days(wanted: LogFilter, after: Position | None, *, newest_first: bool) -> Iterable[Days]:
    """The time that is left of what is asked for, by the parts that are asked for one by one."""
    if wanted.session is not None or wanted.trace is not None or wanted.keys is not None:
        return [Days(wanted.from_ns, wanted.to_ns, is_near=False)]
    least, most = wanted.from_ns, wanted.to_ns
    if after is not None and newest_first and after.ts_ns < TIME_MAX_NS:
        most = after.ts_ns + 1 if most is None else min(most, after.ts_ns + 1)
    elif after is not None and not newest_first:
        least = after.ts_ns if least is None else max(least, after.ts_ns)
    return backend_of(db.engine.url).days(least, most, newest_first=newest_first)


def newest(
    scope: ProjectScope,
    wanted: LogFilter,
    of: Sequence[str],
    *,
    also: Sequence[Any] = (),
    limit: int | ColumnElement[int],
) -> Select[Any]:
    """The statement that reads these columns of at most `limit` records, the newest first.

    The key is read with them; `also` is what they must be like besides.
    """
    columns = (*KEY, *(TABLE.c[name] for name in of))
    return selects.first(columns, [*conditions(scope, wanted), *also], limit)


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
    like = [TABLE.c.project_id == scope.project_id, TABLE.c.ts_ns == key[0], TABLE.c.id == key[1]]
    with reading() as connection:
        row = first_row(connection.execute(selects.first(selects.ALL, like, 1)))
    return None if row is None else previews.with_public_id(row | {"truncated": None})
