"""Projects: made, listed, found."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from agentlogger.errors import NameTaken
from agentlogger.models.database import table_of
from agentlogger.models.projects import Project
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import reading, writing
from agentlogger.store.identifiers import new_project_id
from agentlogger.store.rows import Row, all_rows, first_row
from agentlogger.store.scope import OperatorScope, ProjectScope

DEFAULT = ProjectScope(1)
"""The project that the history itself makes: where a client without a key sends to."""

DEFAULT_NAME = "default"
TABLE = table_of(Project)


def create(scope: OperatorScope, name: str) -> int:
    """Make a project and return its id. Raises NameTaken."""
    del scope
    project_id = new_project_id()
    row = insert(TABLE).values(id=project_id, name=name, created_ns=now_ns())
    try:
        with writing() as connection:
            connection.execute(row)
    except IntegrityError:
        raise NameTaken(f"A project named {name!r} exists already: choose another name.") from None
    return project_id


def all_of(scope: OperatorScope) -> list[Row]:
    """Every project, by name."""
    del scope
    with reading() as connection:
        return all_rows(connection.execute(select(TABLE).order_by(TABLE.c.name)))


def named(scope: OperatorScope, name: str) -> Row | None:
    """The project of this name."""
    del scope
    with reading() as connection:
        return first_row(connection.execute(select(TABLE).where(TABLE.c.name == name)))
