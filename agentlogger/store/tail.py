"""What followers are shown: the records that have come since, each beside the queries it is like.

All that follow are read for at once, in one transaction. The records of a project are read once,
whatever is asked of them; whether one is like a query is the database's word, as in a search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Select, Table, and_, case, literal_column, or_, select, true

from agentlogger.models.database import db
from agentlogger.query.backend import Condition
from agentlogger.query.compiling import BACKENDS, condition
from agentlogger.query.tree import Node
from agentlogger.query.written import may_be_like, written
from agentlogger.store import arrivals, previews
from agentlogger.store.arrivals import Arrival
from agentlogger.store.connections import reading_one_moment
from agentlogger.store.key_lists import Key
from agentlogger.store.keyed import TABLE, found_by_key, key_parameters
from agentlogger.store.positions import Position
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

KEYS_AT_ONCE = 500
"""Keys that one statement asks for where most are shown: with bodies cut at 8,192 characters, some
megabytes."""

KEYS_MOST = 2_500
"""And where few of those before were shown: a statement is a wait for its turn, at the server and
among the threads of a worker, which under load takes longer than reading a hundred records."""

LOOKED_AT = 5_000
"""Records that are looked at in one reading, where few of them are shown: the database does that at
some microseconds each, and one that is shown takes Python ten times as long."""

QUERIES_AT_ONCE = 16
"""Queries that one statement answers: each may have fifty terms, and is written into it twice."""

STATEMENTS_KEPT = 64
"""Statements that are kept ready: put together, one of sixteen queries takes a processor as long as
reading a hundred records (measured)."""


@dataclass(frozen=True)
class Wanted:
    """What followers at one position ask for of a project: the different queries among them."""

    scope: ProjectScope
    position: Position | None
    """None is now: who begins is shown what comes from then on."""
    queries: Sequence[Node] = ()
    leap: bool = False
    """Whether they are to be taken to now: what lies between is counted and not read."""


@dataclass(frozen=True)
class Shown:
    """A record that is like some of the queries."""

    row: Row
    position: Position
    """Where one stands who has seen it, and all before it."""
    is_new: bool
    """Or it was there before, and has been completed."""
    queries: frozenset[int]
    """Which it is like, by their places in `Wanted.queries`."""


@dataclass(frozen=True)
class Advance:
    """What there was for followers at one position, and where they stand behind it."""

    shown: Sequence[Shown]
    position: Position
    is_complete: bool
    """Whether that was all there is."""
    is_lost: bool = False
    """Whether their position was, so that they go on from the oldest that is kept."""
    leapt: int = 0
    """How many records lie between, for those who were taken to now."""


def advance(scope: OperatorScope, wanted: Sequence[Wanted], *, limit: int) -> list[Advance]:
    """Read on for followers at several positions, until about `limit` records are to be shown.

    Those who are read to their end are at the same position from then on. Raises
    DatabaseUnavailable and DatabaseBehind.
    """
    with reading_one_moment() as connection:
        now = arrivals.now(scope, connection)
        return [_advance(scope, connection, one, now, limit) for one in wanted]


def _advance(
    scope: OperatorScope, connection: Connection, wanted: Wanted, now: Position, limit: int
) -> Advance:
    position = wanted.position
    if position is None:
        return Advance((), now, is_complete=True)
    if position.is_lost(now):
        return Advance((), arrivals.everything(scope, connection), is_complete=False, is_lost=True)
    project = {wanted.scope.project_id}
    if wanted.leap:
        counted = arrivals.count(scope, connection, position, projects=project)
        return Advance((), now, is_complete=True, leapt=sum(counted.values()))
    reading = arrivals.read_on(
        scope, connection, position, projects=project, seen=now, limit=LOOKED_AT
    )
    shown: list[Shown] = []
    arrived = [Run(one, 0, len(one.keys)) for one in reading.arrivals]
    seen = 0
    while arrived:
        if len(shown) >= limit:
            return Advance(shown, position, is_complete=False)
        # One statement for the records of several transactions, where these are small.
        batch, arrived = _cut(arrived, _keys_at_once(seen, len(shown), limit))
        shown += _shown(wanted.scope, connection, batch, wanted.queries)
        seen += sum(run.end - run.begin for run in batch)
        position = batch[-1].arrival.after(batch[-1].end)
    return Advance(shown, reading.position, reading.is_complete)


class Run(NamedTuple):
    """Some of an arrival's records, one behind the other."""

    arrival: Arrival
    begin: int
    """Where the first stands among the arrival's keys."""
    end: int
    """Where the one behind the last would."""


def _keys_at_once(seen: int, shown: int, limit: int) -> int:
    """How many keys to ask for next, where so many of those that were seen are shown."""
    enough = (limit - shown) * seen // (shown + 1)
    return max(KEYS_AT_ONCE, min(KEYS_MOST, enough))


def _cut(runs: Sequence[Run], keys: int) -> tuple[list[Run], list[Run]]:
    """The first so many keys of these, or all, and those behind."""
    batch: list[Run] = []
    for place, run in enumerate(runs):
        end = min(run.end, run.begin + keys)
        batch.append(run._replace(end=end))
        keys -= end - run.begin
        if not keys:
            rest = [run._replace(begin=end)] if end < run.end else []
            return batch, [*rest, *runs[place + 1 :]]
    return batch, []


def _shown(
    scope: ProjectScope,
    connection: Connection,
    batch: Sequence[Run],
    queries: Sequence[Node],
) -> Iterator[Shown]:
    keys = list(
        dict.fromkeys(key for run in batch for key in run.arrival.keys[run.begin : run.end])
    )
    rows: dict[Key, Row] = {}
    like: dict[Key, set[int]] = defaultdict(set)
    for first in range(0, len(queries), QUERIES_AT_ONCE):
        some = queries[first : first + QUERIES_AT_ONCE]
        for key, row, places in _like_any(scope, connection, keys, some):
            rows[key] = row
            like[key].update(first + place for place in places)
    if not rows:
        return
    for arrival, begin, end in batch:
        for place in range(begin, end):
            key = arrival.keys[place]
            if key in rows:
                yield Shown(
                    rows[key],
                    arrival.after(place + 1),
                    is_new=place < arrival.stored,
                    queries=frozenset(like[key]),
                )


def _like_any(
    scope: ProjectScope, connection: Connection, keys: Sequence[Key], queries: Sequence[Node]
) -> Iterator[tuple[Key, Row, list[int]]]:
    """The records with these keys that are like one of the queries, and which of these."""
    dialect = db.engine.dialect.name
    parameters = key_parameters(scope, dialect, keys)
    statement = _asking(dialect, tuple(queries))
    for row in all_rows(connection.execute(statement, parameters)):
        likes = [place for place in range(len(queries)) if row.pop(f"like_{place}")]
        listed = previews.listed(row)
        yield (listed["ts_ns"], listed["id"]), listed, likes


@lru_cache(maxsize=STATEMENTS_KEPT)
def _asking(dialect: str, queries: tuple[Node, ...]) -> Select[Any]:
    """The statement for these queries; most are asked again and again."""
    backend = BACKENDS[dialect]
    text = written(TABLE, backend).label("written")
    narrows = any(may_be_like(query, text, backend) is not None for query in queries)
    found = found_by_key(dialect, (*TABLE.c, text) if narrows else tuple(TABLE.c))
    if narrows:
        # OFFSET has the text put together once for all queries.
        found = found.offset(literal_column("0"))
    # It is asked for its columns and its name alone, and has those of the table.
    there = cast("Table", found.subquery("found"))
    marks = []
    for place, query in enumerate(queries):
        is_like: Condition = condition(query, there, dialect).is_(true())
        if narrows and (may_be := may_be_like(query, there.c.written, backend)) is not None:
            is_like = and_(may_be, is_like)
        marks.append(is_like.label(f"like_{place}"))
    cut = previews.cut_body(there).label("cut")
    listed = select(*(there.c[column.name] for column in TABLE.c), cut, *marks)
    some = listed.where(or_(*(mark.element for mark in marks))).subquery().c
    return select(
        *(column for column in some if column.name != "body"),
        case((some.cut.is_(None), some.body)).label("body"),
    )
