"""Records by their keys, many at once, on both databases: what those ask who read arrivals on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select

from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store.connections import BACKENDS
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)


def found_by_key(dialect: str, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """A statement for the records with some keys, to be executed with their `key_parameters`."""
    backend = BACKENDS[dialect]
    asked = backend.key_rows()
    # PostgreSQL leaves the other days' partitions unopened where each arm has bounds of its own:
    # equal ones it takes out of them.
    there = or_(
        *(
            and_(
                TABLE.c.stray == stray,
                TABLE.c.ts_ns.between(bindparam(f"least_{stray}"), bindparam(f"most_{stray}")),
            )
            for stray in backend.STRAYS
        )
    )
    return (
        select(*columns)
        .join_from(asked, TABLE, and_(TABLE.c.ts_ns == asked.c.ts_ns, TABLE.c.id == asked.c.id))
        .where(TABLE.c.project_id == bindparam("project"), there)
    )


def key_parameters(
    scope: ProjectScope, dialect: str, keys: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """What such a statement is sent with, for these keys of a project; there is at least one."""
    backend = BACKENDS[dialect]
    times = [ts_ns for ts_ns, _ in keys]
    parameters = {"project": scope.project_id, **backend.key_parameters(keys)}
    for stray in backend.STRAYS:
        parameters |= {f"least_{stray}": min(times) - stray, f"most_{stray}": max(times) + stray}
    return parameters
