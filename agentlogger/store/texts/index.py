"""The index of texts: how far it has come, and what is to be forgotten of it.

It says which records may have a text, and a search looks at each of those: what is not indexed yet
may have any. So a search finds the same with the index, without it, and at every moment between
(docs/decisions/0018-text-index.md). Every record of an indexed project is either announced behind
the index's position, or not walked to, or in a window.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, select, update

from agentlogger.models.database import table_of
from agentlogger.models.texts import TextIndex, TextProject, TextSegment, TextSlice, TextWindow
from agentlogger.query.grams import VERSION
from agentlogger.store import arrivals, key_lists, positions
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import reading_one_moment
from agentlogger.store.key_lists import Key
from agentlogger.store.positions import SECOND_NS, Position
from agentlogger.store.scope import OperatorScope, ProjectScope

STATE = table_of(TextIndex)
PROJECTS = table_of(TextProject)
WINDOWS = table_of(TextWindow)
SEGMENTS = table_of(TextSegment)
SLICES = table_of(TextSlice)

THE_ONE = 1

CLEARED_SEGMENTS = 8
"""Segments that one transaction clears, 1,024 rows each: some tens of milliseconds."""

CLEARED_WINDOWS = 500
"""The same of windows without one, which have 18 KB each."""


@dataclass(frozen=True)
class Lag:
    """How far the index is behind what is stored. A search looks at each such record itself."""

    is_begun: bool
    announced: int
    """Records that no window has yet."""
    waiting: int
    """Records in windows whose texts were not read yet: some of each project always are."""
    seconds: float
    """How long ago the index had everything that was stored until then."""
    unwalked: int
    """Projects of which older records are not indexed yet."""


def state(scope: OperatorScope, connection: Connection) -> Position | None:
    """The position up to which all is in windows; None where there is no index to be used.

    The connection must see one moment of the database, as for all that is then read by it.
    """
    row = connection.execute(select(STATE.c.version, STATE.c.position)).first()
    if row is None or row.version != VERSION:
        return None
    position = positions.parse(row.position)
    if position is None or position.is_lost(arrivals.now(scope, connection)):
        return None
    return position


def advance(
    scope: OperatorScope, connection: Connection, before: Position, after: Position
) -> bool:
    """Write down a new position; whether nobody has had the index begin anew meanwhile."""
    del scope
    moved = connection.execute(
        update(STATE)
        .where(STATE.c.version == VERSION, STATE.c.position == before.text())
        .values(position=after.text())
    )
    return moved.rowcount == 1


def begin(scope: OperatorScope, connection: Connection) -> None:
    """Have an empty index begin now, or take away a part of what an old one has left.

    Searches use none meanwhile.
    """
    connection.execute(delete(STATE))
    if _cleared(connection):
        return
    connection.execute(delete(PROJECTS))
    position = arrivals.now(scope, connection).text()
    connection.execute(STATE.insert().values(id=THE_ONE, version=VERSION, position=position))


def _cleared(connection: Connection) -> bool:
    """Whether something was taken away."""
    segments = connection.execute(select(SEGMENTS.c.id).limit(CLEARED_SEGMENTS)).scalars().all()
    if segments:
        _drop_segments(connection, segments)
        connection.execute(delete(WINDOWS).where(WINDOWS.c.segment_id.in_(segments)))
        return True
    some = connection.execute(select(WINDOWS.c.id).limit(CLEARED_WINDOWS)).scalars().all()
    if some:
        connection.execute(delete(WINDOWS).where(WINDOWS.c.id.in_(some)))
    return bool(some)


def _drop_segments(connection: Connection, segments: Collection[int]) -> None:
    connection.execute(delete(SLICES).where(SLICES.c.segment_id.in_(segments)))
    connection.execute(delete(SEGMENTS).where(SEGMENTS.c.id.in_(segments)))


def changes_of(scope: ProjectScope, connection: Connection) -> int | None:
    """How often texts of the project were changed, to be compared by `still`; None if unknown."""
    return connection.execute(
        select(PROJECTS.c.changes).where(PROJECTS.c.project_id == scope.project_id)
    ).scalar()


def still(scope: ProjectScope, connection: Connection, changes: int) -> bool:
    """Whether no text of the project was changed since, and none is until this transaction ends."""
    found = connection.execute(
        select(PROJECTS.c.changes)
        .where(PROJECTS.c.project_id == scope.project_id)
        .with_for_update()
    ).scalar()
    return found == changes


def forget(scope: ProjectScope, connection: Connection, keys: Collection[Key]) -> None:
    """Have nothing in the index of what these records said before, and what they say now found.

    To be called in the transaction that changes them, behind the changes. The windows that they
    are in wait again, and with them the others of a segment.
    """
    if not keys:
        return
    # What is being indexed now was read before: it finds this number changed, or is seen below.
    raised = connection.execute(
        update(PROJECTS)
        .where(PROJECTS.c.project_id == scope.project_id)
        .values(changes=PROJECTS.c.changes + 1)
    )
    if not raised.rowcount:
        return
    times = [ts_ns for ts_ns, _ in keys]
    here = partial(within, scope, least=min(times), most=max(times))
    segments = connection.execute(select(SEGMENTS.c.id).where(here(SEGMENTS))).scalars().all()
    in_segments = and_(here(WINDOWS), WINDOWS.c.segment_id.in_(segments))
    dissolved = {row.segment_id for row in _with_any(connection, in_segments, set(keys))}
    _drop_segments(connection, dissolved)
    connection.execute(
        update(WINDOWS)
        .where(WINDOWS.c.segment_id.in_(dissolved))
        .values(segment_id=None, place=None, bits=None)
    )
    is_open = and_(here(WINDOWS), WINDOWS.c.segment_id.is_(None), WINDOWS.c.bits.is_not(None))
    opened = [row.id for row in _with_any(connection, is_open, set(keys))]
    connection.execute(update(WINDOWS).where(WINDOWS.c.id.in_(opened)).values(bits=None))


def _with_any(
    connection: Connection, these: ColumnElement[bool], keys: set[Key]
) -> list[Row[Any, Any, Any]]:
    """Of these windows those that have one of the keys."""
    packed = WINDOWS.c["keys"].label("packed")
    found = connection.execute(select(WINDOWS.c.id, WINDOWS.c.segment_id, packed).where(these))
    return [row for row in found if not keys.isdisjoint(key_lists.unpacked(row.packed))]


def within(scope: ProjectScope, table: Table, least: int, most: int) -> ColumnElement[bool]:
    """Whether a window or a segment is the project's, and has a time between these in it."""
    return and_(
        table.c.project_id == scope.project_id,
        table.c.last_ns >= least,
        table.c.first_ns <= most,
    )


def window(
    scope: ProjectScope, identifier: int, keys: Sequence[Key], bits: bytes | None
) -> dict[str, object]:
    """The row of a window of these keys, in their order; without bits it waits for its texts."""
    return {
        "id": identifier,
        "project_id": scope.project_id,
        "first_ns": keys[0][0],
        "last_ns": keys[-1][0],
        "records": len(keys),
        "keys": key_lists.packed(keys),
        "bits": bits,
    }


def lag(scope: OperatorScope) -> Lag:
    """How far the index is behind. Raises DatabaseUnavailable and DatabaseBehind."""
    with reading_one_moment() as connection:
        position = state(scope, connection)
        if position is None:
            return Lag(False, 0, 0, 0.0, 0)
        announced, oldest = arrivals.unseen(scope, connection, position)
        waiting = connection.execute(
            select(func.coalesce(func.sum(WINDOWS.c.records), 0)).where(
                WINDOWS.c.segment_id.is_(None), WINDOWS.c.bits.is_(None)
            )
        ).scalar_one()
        unwalked = connection.execute(
            select(func.count()).select_from(PROJECTS).where(PROJECTS.c.is_walked.is_(False))
        ).scalar_one()
    seconds = 0.0 if oldest is None else max(0.0, (now_ns() - oldest) / SECOND_NS)
    return Lag(True, announced, int(waiting), seconds, unwalked)
