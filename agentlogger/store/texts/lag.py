"""How much of a project the index of texts knows, and how it is built anew."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from agentlogger.models.database import table_of
from agentlogger.models.projects import Project
from agentlogger.query.grams import ROWS
from agentlogger.store import arrivals
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import reading_one_moment, writing
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.texts import index as text_index
from agentlogger.store.texts import window_bits
from agentlogger.store.texts.drafts import WINDOW_RECORDS
from agentlogger.store.texts.index import PROJECTS, SEGMENTS, STATE, WINDOWS

LOOKS = OperatorScope("somebody is told how far the index of texts has come")

KEY_BYTES = 16
COLUMN_BYTES = ROWS // 8
SEGMENT_BYTES = ROWS * window_bits.ROW_BYTES
WAITS = WINDOWS.c.segment_id.is_(None) & WINDOWS.c.bits.is_(None)
"""Of a window whose texts are not indexed yet. Its id is when it was made."""

ROW_BYTES = 40
"""What a row takes beside its bits, on both databases about."""


@dataclass(frozen=True)
class Lag:
    """What an index does not have of a project yet. Searches find it all the same, one by one."""

    is_begun: bool = False
    """Whether there is one; searches read all records until then."""
    behind: int = 0
    """Records that came and are not. Up to 127 are always, for those that fill up a window."""
    seconds: float = 0.0
    """How long ago the oldest of a whole window of these came."""
    before_ns: int | None = None
    """Records from before this time are not indexed yet; None where all were."""


@dataclass(frozen=True)
class Known:
    """What an index has of one project."""

    project: str
    lag: Lag
    indexed: int
    """Records whose texts are indexed."""
    size: int
    """Bytes that it takes, about."""


def of_projects(scope: OperatorScope) -> list[Known]:
    """What it has of each project, by name. Raises DatabaseUnavailable and DatabaseBehind."""
    del scope
    c = table_of(Project).c
    with reading_one_moment() as connection:
        rows = connection.execute(select(c.id, c.name).order_by(c.name)).all()
        return [_known(ProjectScope(row.id), connection, row.name) for row in rows]


def rebuild(scope: OperatorScope) -> None:
    """Have no index from now on, and the duty take away what there is and begin anew."""
    del scope
    with writing() as connection:
        connection.execute(delete(STATE))


def _known(scope: ProjectScope, connection: Connection, name: str) -> Known:
    lag = of_project(scope, connection)
    if not lag.is_begun:
        return Known(name, lag, 0, 0)
    c = WINDOWS.c
    windows, columns, records, waiting = connection.execute(
        select(
            func.count(),
            func.count(c.bits),
            func.coalesce(func.sum(c.records), 0),
            func.coalesce(func.sum(c.records).filter(WAITS), 0),
        ).where(c.project_id == scope.project_id)
    ).one()
    segments = connection.execute(
        select(func.count()).where(SEGMENTS.c.project_id == scope.project_id)
    ).scalar_one()
    size = records * KEY_BYTES + columns * COLUMN_BYTES + segments * SEGMENT_BYTES
    return Known(name, lag, int(records - waiting), int(size + windows * ROW_BYTES))


def of_project(scope: ProjectScope, connection: Connection) -> Lag:
    """What it does not have of a project, as of the moment that the connection sees.

    An index leads to what waits, and nothing that was done is counted.
    """
    position = text_index.state(LOOKS, connection)
    walked = connection.execute(
        select(PROJECTS.c.walked_ns, PROJECTS.c.is_walked).where(
            PROJECTS.c.project_id == scope.project_id
        )
    ).first()
    if position is None or walked is None:
        return Lag()
    announced, since = arrivals.unseen(LOOKS, connection, position, projects={scope.project_id})
    waiting, first = connection.execute(
        select(func.coalesce(func.sum(WINDOWS.c.records), 0), func.min(WINDOWS.c.id)).where(
            WINDOWS.c.project_id == scope.project_id, WAITS
        )
    ).one()
    oldest = [since] if since is not None else []
    if waiting >= WINDOW_RECORDS:
        oldest.append(first)
    age = max(0, now_ns() - min(oldest)) if oldest else 0
    return Lag(
        is_begun=True,
        behind=int(announced + waiting),
        seconds=age / SECOND_NS,
        before_ns=None if walked.is_walked else walked.walked_ns,
    )
