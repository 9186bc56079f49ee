"""Records by their keys, many at once, on both databases: what those ask who read arrivals on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select

from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store.connections import BACKENDS
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)


def found_by_key(dialect: str, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """A statement for the records with some keys, to be executed with their `key_parameters`."""
    chosen = select(*columns).where(TABLE.c.project_id == bindparam("project"))
    return BACKENDS[dialect].by_keys(chosen, TABLE)


def key_parameters(
    scope: ProjectScope, dialect: str, keys: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """What such a statement is sent with, for these keys of a project; there is at least one."""
    return {"project": scope.project_id, **BACKENDS[dialect].key_parameters(keys)}
