"""Arrivals: what each transaction has stored, announced with it, and read on by position.

The one order in which nothing is skipped: times are the clients', and ids are random. What is read
is complete up to its position, however transactions commit (`store/positions.py`).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    or_,
    select,
    tuple_,
    union_all,
)

from agentlogger.limits import (
    ARRIVALS_FORGOTTEN,
    ARRIVALS_KEPT_SECONDS,
    ARRIVALS_MARGIN_SECONDS,
    GROUP_RECORDS,
)
from agentlogger.models.arrivals import Arrival as ArrivalRow
from agentlogger.models.database import db, table_of
from agentlogger.store import key_lists
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import backend_of
from agentlogger.store.key_lists import Key
from agentlogger.store.positions import SECOND_NS, Position
from agentlogger.store.scope import OperatorScope

TABLE = table_of(ArrivalRow)
C = TABLE.c
KEY = (C.origin, C.number, C.project_id)

FORGET_EVERY = ARRIVALS_FORGOTTEN // 4
"""Once in so many transactions, by chance, old arrivals are deleted: four times as fast."""

ROWS = 2 * GROUP_RECORDS
"""Rows that are looked at for one reading: more than any transaction has projects."""


@dataclass
class Keys:
    """What a transaction has done to a project's records."""

    stored: list[Key] = field(default_factory=list)
    completed: list[Key] = field(default_factory=list)
    """Those that were there before."""


@dataclass(frozen=True)
class Arrival:
    """What one transaction has stored of one project's records, as it is read."""

    project_id: int
    keys: Sequence[Key]
    """In the order in which they were sent; what was seen before is left out."""
    stored: int
    """How many of them are new; those behind are records that have been completed."""
    behind: Position
    """Where one stands who has seen all of it."""
    number: int


@dataclass(frozen=True)
class Reading:
    """What has come since a position, and the position from which to read on."""

    arrivals: Sequence[Arrival]
    position: Position
    is_complete: bool
    """Whether that was all there is."""


def announce(scope: OperatorScope, connection: Connection, keys: Mapping[int, Keys]) -> None:
    """Write down what a transaction has stored and completed, by project; it commits with it."""
    del scope
    now = now_ns()
    rows = [
        (project, now, len(both), len(one.completed), key_lists.packed(both))
        for project, one in sorted(keys.items())
        if (both := one.stored + one.completed)
    ]
    if not rows:
        return
    backend = backend_of(db.engine.url)
    backend.announce(connection, TABLE, rows)
    if random.SystemRandom().randrange(FORGET_EVERY) == 0:
        forget(FORGETS, connection)


FORGETS = OperatorScope("arrivals of all projects are kept for the same time")


def forget(scope: OperatorScope, connection: Connection) -> None:
    """Delete some of those that have been kept for their time, the oldest of each history first."""
    del scope
    current = backend_of(db.engine.url).seen(connection, TABLE).origin
    before = now_ns() - (ARRIVALS_KEPT_SECONDS + ARRIVALS_MARGIN_SECONDS) * SECOND_NS
    for of_history in (C.origin < current, C.origin == current, C.origin > current):
        # The oldest are looked at: no index is kept up for their time.
        oldest = select(*KEY).where(of_history).order_by(*KEY).limit(ARRIVALS_FORGOTTEN)
        expired = (
            select(*KEY)
            .where(tuple_(*KEY).in_(oldest), C.received_ns < before)
            .with_for_update(skip_locked=True)
            .cte("expired")
        )
        connection.execute(delete(TABLE).where(tuple_(*KEY).in_(select(expired))))


def now(scope: OperatorScope, connection: Connection) -> Position:
    """The position of one who has seen everything that this transaction sees."""
    del scope
    return backend_of(db.engine.url).seen(connection, TABLE)


def everything(scope: OperatorScope, connection: Connection) -> Position:
    """The position of one who has seen nothing, from which all is read that is still kept."""
    del scope
    seen = backend_of(db.engine.url).seen(connection, TABLE)
    return Position(seen.origin, seen.moment_ns, 0)


def read_on(
    scope: OperatorScope,
    connection: Connection,
    position: Position,
    *,
    projects: Collection[int] | None = None,
    seen: Position | None = None,
    limit: int,
) -> Reading:
    """What has come since a position that is not lost, in these projects or in all.

    `seen` is what the transaction sees, for who has asked for it already.

    At most `limit` keys, and all of one transaction where it alone has more. The connection must
    see one moment of the database (`connections.reading_one_moment`): positions that were read to
    their end in one transaction are the same.
    """
    del scope
    seen = seen or backend_of(db.engine.url).seen(connection, TABLE)
    found = connection.execute(_unseen(position, projects).limit(ROWS)).all()
    is_complete = len(found) < ROWS
    if not is_complete:
        found = [row for row in found if row.number != found[-1].number]
    chosen: list[list[Row[Any]]] = []
    records = 0
    for _, rows in groupby(found, key=attrgetter("number")):
        of_one = list(rows)
        records += sum(row.records for row in of_one)
        if chosen and records > limit:
            is_complete = False
            break
        chosen.append(of_one)
    arrivals = list(_arrivals(connection, position, seen, chosen))
    if is_complete:
        return Reading(arrivals, seen, is_complete=True)
    return Reading(arrivals, arrivals[-1].behind, is_complete=False)


def reach(
    scope: OperatorScope,
    connection: Connection,
    position: Position,
    *,
    projects: Collection[int],
    limit: int,
) -> int:
    """The number from which on at most so many records have come, not below a position's."""
    del scope
    newest = (
        select(C.number, C.records)
        .where(
            C.origin == position.origin,
            C.project_id.in_(sorted(projects)),
            C.number >= position.upto,
        )
        .order_by(C.number.desc())
        .limit(ROWS)
    )
    found = connection.execute(newest).all()
    records = 0
    for number, some in found:
        records += some
        if records > limit:
            return int(number) + 1
    return position.upto if len(found) < ROWS else int(found[-1].number)


def count(
    scope: OperatorScope, connection: Connection, position: Position, *, projects: Collection[int]
) -> dict[int, int]:
    """How many records have come since a position that is not lost, by project."""
    del scope
    unseen = or_(C.number >= position.upto, C.number.in_(position.open))
    sums = (
        select(C.project_id, func.sum(C.records))
        .where(C.origin == position.origin, unseen, C.project_id.in_(sorted(projects)))
        .group_by(C.project_id)
    )
    found = {project: int(records) for project, records in connection.execute(sums)}
    for begun in position.within:
        if begun.project_id in found:
            found[begun.project_id] -= begun.records
    return found


def unseen(
    scope: OperatorScope,
    connection: Connection,
    position: Position,
    *,
    projects: Collection[int] | None = None,
) -> tuple[int, int | None]:
    """How many records have come since a position that is not lost, and when the first of them.

    In these projects, or in all.
    """
    del scope
    newer = or_(C.number >= position.upto, C.number.in_(position.open))
    counted = select(func.coalesce(func.sum(C.records), 0), func.min(C.received_ns))
    if projects is not None:
        counted = counted.where(C.project_id.in_(sorted(projects)))
    row = connection.execute(counted.where(C.origin == position.origin, newer)).one()
    return int(row[0]), row[1]


def _unseen(position: Position, projects: Collection[int] | None) -> Select[Any]:
    """The rows, without their keys, of what a position has not seen, in their order."""
    columns = (C.number, C.project_id, C.received_ns, C.records)
    these: list[ColumnElement[bool]] = [C.origin == position.origin]
    if projects is not None:
        these.append(C.project_id.in_(sorted(projects)))
    order = (C.number, C.project_id)
    newer = select(*columns).where(*these, C.number >= position.upto).order_by(*order).limit(ROWS)
    if not position.open:
        return newer
    # Each part walks the primary key; an OR of both would gather and sort all there is.
    late = select(*columns).where(*these, C.number.in_(position.open))
    both = union_all(late, select(*newer.subquery().c)).subquery()
    return select(*both.c).order_by(both.c.number, both.c.project_id)


def _arrivals(
    connection: Connection,
    position: Position,
    seen: Position,
    chosen: Sequence[Sequence[Row[Any]]],
) -> Iterator[Arrival]:
    these = {(row.number, row.project_id) for rows in chosen for row in rows}
    if not these:
        return
    whole = {
        (row.number, row.project_id): row
        for row in connection.execute(
            select(C.number, C.project_id, C.completed, C["keys"].label("packed")).where(
                C.origin == position.origin,
                C.number.in_({number for number, _ in these}),
                C.project_id.in_({project for _, project in these}),
            )
        )
    }
    before = position
    for rows in chosen:
        number = rows[0].number
        # The transaction's own time: what came meanwhile is not gone before it is.
        behind = before.through(number, seen, rows[0].received_ns)
        for row in rows:
            found = whole[number, row.project_id]
            keys = key_lists.unpacked(found.packed)
            skipped = position.skipped(number, row.project_id)
            stored = max(0, len(keys) - found.completed - skipped)
            yield Arrival(row.project_id, keys[skipped:], stored, behind, number)
        before = behind
