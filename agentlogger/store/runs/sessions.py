"""Sessions: those with the newest records first, each with what is in it.

No table holds sessions: they are found by a walk through the newest records, so that ingest pays
nothing for them (docs/decisions/0022-sessions-are-found-in-their-records.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, union_all

from agentlogger.limits import SESSIONS_WALKED, TIME_MAX_NS
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.compiling import condition
from agentlogger.query.tree import EVERYTHING, Node
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.logs import Position
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.runs import summaries
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)
columns = TABLE.c

FIRST_STEP = 4_000
STEP_GROWS = 4
"""A walk's first step, and how much longer each next one is: most pages need one."""

WHOLE_INSTANT = 2**63 - 1
"""In a cursor: behind every record of that nanosecond."""


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions to list: those of which a record is like this. Times are nanoseconds."""

    from_ns: int | None = None
    to_ns: int | None = None
    query: Node = EVERYTHING


@dataclass(frozen=True)
class SessionPage:
    """Sessions, and where the next page begins; None where no session is left."""

    items: list[Row]
    next_position: Position | None


def page(
    scope: ProjectScope,
    wanted: SessionFilter,
    *,
    as_of_ns: int,
    after: Position | None,
    limit: int,
) -> SessionPage:
    """At most `limit` sessions, by the time of their newest record that is like `wanted`.

    All pages of one listing share `as_of_ns`: what was received later moves no session, so none is
    skipped and none comes twice, but for what is being stored at that very moment.
    A page may be short, where very many records lie between one session and the next.
    """
    walk = _Walk(scope, wanted, as_of_ns, after)
    with reading() as connection:
        found, next_position = walk.find(connection, limit)
    return SessionPage(summaries.of_sessions(scope, found), next_position)


class _Walk:
    """A walk from a time backwards, that meets each session at its newest record."""

    def __init__(
        self, scope: ProjectScope, wanted: SessionFilter, as_of_ns: int, after: Position | None
    ) -> None:
        self.conditions: list[ColumnElement[bool]] = [
            columns.project_id == scope.project_id,
            columns.session_id.is_not(None),
            columns.received_ns <= as_of_ns,
        ]
        if wanted.from_ns is not None:
            self.conditions.append(columns.ts_ns >= wanted.from_ns)
        if wanted.query != EVERYTHING:
            self.conditions.append(condition(wanted.query, TABLE, db.engine.dialect.name))
        self.latest = TIME_MAX_NS if wanted.to_ns is None else wanted.to_ns - 1
        self.after = after
        self.below = self.latest if after is None else after.ts_ns
        """The walk has come down to this time, which is still to be looked at."""
        self.met: set[str] = set()

    def find(self, connection: Connection, limit: int) -> tuple[list[str], Position | None]:
        """The next sessions, and where to go on."""
        found: list[tuple[int, int, str]] = []
        step, left = FIRST_STEP, SESSIONS_WALKED
        while len(found) <= limit and left > 0:
            step = min(step, left)
            down_to = self._down_to(connection, step)
            found += self._sessions(connection, down_to)
            if down_to is None:
                break
            self.below = down_to - 1
            left -= step
            step *= STEP_GROWS
        if len(found) > limit:
            last = found[limit - 1]
            return [one[2] for one in found[:limit]], Position(-last[0], last[1])
        is_done = down_to is None
        rest = None if is_done else Position(self.below + 1, WHOLE_INSTANT)
        return [one[2] for one in found], rest

    def _down_to(self, connection: Connection, step: int) -> int | None:
        """The time of the record so many records below; None where there are fewer."""
        parts = [
            select(columns.ts_ns)
            .where(*self.conditions, columns.stray == stray, columns.ts_ns <= self.below)
            .order_by(columns.ts_ns.desc())
            .limit(step)
            for stray in backend_of(db.engine.url).STRAYS
        ]
        both = union_all(*(select(part.subquery()) for part in parts)).subquery()
        query = select(both.c.ts_ns).order_by(both.c.ts_ns.desc()).offset(step - 1).limit(1)
        down_to: int | None = connection.execute(query).scalar_one_or_none()
        return down_to

    def _sessions(self, connection: Connection, down_to: int | None) -> list[tuple[int, int, str]]:
        """Sessions whose newest record lies in this step, in their order."""
        there = [*self.conditions, columns.ts_ns <= self.below]
        if down_to is not None:
            there.append(columns.ts_ns >= down_to)
        both = union_all(
            *(
                select(columns.session_id, func.max(columns.ts_ns).label("newest"))
                .where(*there, columns.stray == stray)
                .group_by(columns.session_id)
                for stray in backend_of(db.engine.url).STRAYS
            )
        ).subquery()
        newest = func.max(both.c.newest).label("newest")
        query = select(both.c.session_id, newest).group_by(both.c.session_id)
        met = [
            (-row["newest"], _number(row["session_id"]), row["session_id"])
            for row in all_rows(connection.execute(query))
            if row["session_id"] not in self.met
        ]
        self.met.update(one[2] for one in met)
        return sorted(set(met) - self._listed(connection, met))

    def _listed(
        self, connection: Connection, met: Sequence[tuple[int, int, str]]
    ) -> set[tuple[int, int, str]]:
        """Those of them that an earlier page has listed, since they have newer records."""
        after = self.after
        if after is None or not met:
            return set()
        query = (
            select(columns.session_id)
            .where(
                *self.conditions,
                columns.session_id.in_([one[2] for one in met]),
                columns.ts_ns > after.ts_ns,
                columns.ts_ns <= self.latest,
            )
            .distinct()
        )
        newer = set(connection.execute(query).scalars())
        return {
            one
            for one in met
            if one[2] in newer or (-one[0] == after.ts_ns and one[1] <= after.record_id)
        }


def _number(session: str) -> int:
    """What orders sessions with equal times, the same on both databases."""
    digest = hashlib.blake2b(session.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> 2
