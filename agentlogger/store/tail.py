"""What followers are shown: the records that have come since, each beside the queries it is like.

All that follow are read for at once, in one transaction. The records of a project are read once,
whatever is asked of them and from wherever it is read on; whether one is like a query is the
database's word, as in a search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, cast

from sqlalchemy import Connection, Select, Table, and_, case, literal_column, or_, select, true

from agentlogger.models.database import db
from agentlogger.query.backend import Condition
from agentlogger.query.compiling import BACKENDS, condition
from agentlogger.query.tree import Node
from agentlogger.query.written import may_be_like, written
from agentlogger.store import arrivals, convoys, previews
from agentlogger.store.connections import reading_one_moment
from agentlogger.store.convoys import Convoy, Run, cut
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

LOOKED_AT = 10_000
"""Records that are looked at in one reading, where few of them are shown: the database does that at
some microseconds each, and one that is shown takes Python ten times as long."""

LOOKED_AT_FAR = 5_000
"""And those that are looked at in it for who is further behind: who keeps up waits for these."""

QUERIES_AT_ONCE = 16
"""Queries that one statement answers: each may have fifty terms, and is written into it twice."""

READING = OperatorScope("arrivals are read on, of one project each time")

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


class _Reader:
    """Followers at one position while they are read for."""

    def __init__(self, wanted: Wanted, position: Position) -> None:
        self.scope = wanted.scope
        self.queries = wanted.queries
        self.position = position
        self.shown: list[Shown] = []
        self.is_complete = False

    def advance(self) -> Advance:
        """What there was for them."""
        return Advance(self.shown, self.position, self.is_complete)


def advance(scope: OperatorScope, wanted: Sequence[Wanted], *, limit: int) -> list[Advance]:
    """Read on for followers at several positions, until about `limit` records are to be shown.

    Those who are read to their end are at the same position from then on. Those of a project who
    are near to that are read for together, and before those who are far: these come in turn, as
    far as there is time, and stay where they are else. Raises DatabaseUnavailable and
    DatabaseBehind.
    """
    with reading_one_moment() as connection:
        now = arrivals.now(scope, connection)
        advances: dict[int, Advance] = {}
        readers: dict[int, _Reader] = {}
        for place, one in enumerate(wanted):
            found = _moved(scope, connection, one, now)
            if isinstance(found, Position):
                readers[place] = _Reader(one, found)
            else:
                advances[place] = found
        far: list[_Reader] = []
        for project in dict.fromkeys(one.scope for one in readers.values()):
            together = [one for one in readers.values() if one.scope == project]
            near, others = _near_and_far(scope, connection, together)
            _read_together(connection, near, now, limit, LOOKED_AT)
            far += others
        left = LOOKED_AT_FAR
        while far and left > 0:
            convoy = [
                one
                for one in far
                if one.scope == far[0].scope and one.position.upto >= far[0].position.upto
            ]
            looked_at, passed = _read_together(connection, convoy, now, limit, left)
            left -= looked_at
            far = [one for one in far if one is not far[0] and one not in passed]
        return [
            advances[place] if place in advances else readers[place].advance()
            for place in range(len(wanted))
        ]


def _moved(
    scope: OperatorScope, connection: Connection, wanted: Wanted, now: Position
) -> Advance | Position:
    """Where those go on who are not read for; or from where the others read on."""
    position = wanted.position
    if position is None:
        return Advance((), now, is_complete=True)
    if position.is_lost(now):
        return Advance((), arrivals.everything(scope, connection), is_complete=False, is_lost=True)
    if wanted.leap:
        project = {wanted.scope.project_id}
        counted = arrivals.count(scope, connection, position, projects=project)
        return Advance((), now, is_complete=True, leapt=sum(counted.values()))
    return position


def _near_and_far(
    scope: OperatorScope, connection: Connection, readers: Sequence[_Reader]
) -> tuple[list[_Reader], list[_Reader]]:
    """Those of a project who can be read to their end in one go, and the others.

    Where none can be, the foremost count as near: they are those who keep up.
    """
    positions = [one.position for one in readers]
    nearest = max(one.upto for one in positions)
    last = min(positions, key=lambda one: one.upto)
    if last.upto < nearest:
        projects = {readers[0].scope.project_id}
        reached = arrivals.reach(scope, connection, last, projects=projects, limit=LOOKED_AT)
        nearest = min(nearest, reached)
    near = [one for one in readers if one.position.upto >= nearest]
    return near, [one for one in readers if one.position.upto < nearest]


def _read_together(
    connection: Connection, readers: Sequence[_Reader], now: Position, limit: int, looked_at: int
) -> tuple[int, list[_Reader]]:
    """Read on for readers of a project, about so many records; how many, and for whom it was."""
    scope = readers[0].scope
    reading = arrivals.read_on(
        READING,
        connection,
        convoys.start([one.position for one in readers]),
        projects={scope.project_id},
        seen=now,
        limit=looked_at,
    )
    if not reading.is_complete:
        numbers = {one.number for one in reading.arrivals}
        last = max(numbers)
        readers = [
            one
            for one in readers
            if one.position.upto <= last or not numbers.isdisjoint(one.position.open)
        ]
    convoy = Convoy([one.position for one in readers], now)
    queries = list(dict.fromkeys(query for one in readers for query in one.queries))
    asked = [[queries.index(query) for query in one.queries] for one in readers]
    arrived = [Run(one, convoy.begin(one), len(one.keys)) for one in reading.arrivals]
    seen = 0
    while arrived and (most := max(len(one.shown) for one in readers)) < limit:
        # One statement for the records of several transactions, where these are small.
        batch, arrived = cut(arrived, _keys_at_once(seen, most, limit))
        rows, like = _like_some(scope, connection, batch, queries)
        seen += sum(run.end - run.begin for run in batch)
        for passed in chain.from_iterable(convoy.passing(run, rows) for run in batch):
            for reader in passed.readers:
                own = frozenset(
                    place for place, query in enumerate(asked[reader]) if query in like[passed.key]
                )
                if own:
                    row = rows[passed.key]
                    readers[reader].shown.append(Shown(row, passed.position, passed.is_new, own))
    behind = convoy.positions()
    for place, one in enumerate(readers):
        one.is_complete = reading.is_complete and not arrived
        one.position = reading.position if one.is_complete else behind[place]
    return seen, list(readers)


def _keys_at_once(seen: int, shown: int, limit: int) -> int:
    """How many keys to ask for next, where so many of those that were seen are shown."""
    enough = (limit - shown) * seen // (shown + 1)
    return max(KEYS_AT_ONCE, min(KEYS_MOST, enough))


def _like_some(
    scope: ProjectScope, connection: Connection, batch: Sequence[Run], queries: Sequence[Node]
) -> tuple[dict[Key, Row], dict[Key, set[int]]]:
    """The records of these that are like one of the queries, and which of these each is like."""
    keys = list(dict.fromkeys(key for run in batch for key in run.keys))
    rows: dict[Key, Row] = {}
    like: dict[Key, set[int]] = defaultdict(set)
    for first in range(0, len(queries), QUERIES_AT_ONCE):
        some = queries[first : first + QUERIES_AT_ONCE]
        for key, row, places in _like_any(scope, connection, keys, some):
            rows[key] = row
            like[key].update(first + place for place in places)
    return rows, like


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
