"""Names that are unique in a project: of saved searches, of alerts."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Table, select

from agentlogger.errors import NameTaken
from agentlogger.models.database import table_of
from agentlogger.models.projects import Project
from agentlogger.store.rows import Row
from agentlogger.store.scope import ProjectScope

PROJECTS = table_of(Project)


def take_turns(scope: ProjectScope, connection: Connection) -> None:
    """Let those who name something in one project do so one after the other, on PostgreSQL too."""
    row = select(PROJECTS.c.id).where(PROJECTS.c.id == scope.project_id)
    connection.execute(row.with_for_update(key_share=True))


def refuse_taken(
    scope: ProjectScope, connection: Connection, table: Table, name: str, *, what: str
) -> None:
    """Raises NameTaken where the project has one of that name, which is `what` in the sentence."""
    same = select(table.c.id).where(table.c.project_id == scope.project_id, table.c.name == name)
    if connection.execute(same).first() is not None:
        raise NameTaken(f"{what} named {name!r} exists already: choose another name.")


def in_order(scope: ProjectScope, rows: Iterable[Row]) -> list[Row]:
    """The project's rows by name. Sorted here: the databases' own orders of texts differ."""
    del scope
    return sorted(rows, key=lambda row: (row["name"].casefold(), row["name"]))
