"""Saved searches: kept, listed, renamed, deleted."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from agentlogger.errors import QueryInvalid, SearchesFull
from agentlogger.limits import SAVED_SEARCHES
from agentlogger.models.database import table_of
from agentlogger.models.searches import SavedSearch
from agentlogger.query import parsing
from agentlogger.store import names
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import reading, writing
from agentlogger.store.rows import Row, all_rows, first_row
from agentlogger.store.scope import ProjectScope

TABLE = table_of(SavedSearch)


def create(scope: ProjectScope, *, name: str, query: str, created_by: str) -> Row:
    """Keep a query under a name and return its row.

    A query that has to be guessed at is refused: what is built on a saved search decides about
    more than what somebody sees. Raises QueryInvalid with the hints, QueryTooLarge, or
    SearchesFull.
    """
    hints = parsing.read(query).hints
    if hints:
        raise QueryInvalid(
            f"The query was not saved, since a part of it means nothing: {hints[0]}",
            errors={"query": list(hints)},
        )
    row = {
        "id": uuid.uuid4(),
        "project_id": scope.project_id,
        "name": name,
        "query": query,
        "created_by": created_by,
        "created_ns": now_ns(),
    }
    with writing() as connection:
        names.take_turns(scope, connection)
        names.refuse_taken(scope, connection, TABLE, name, what="A saved search")
        there = select(func.count()).where(TABLE.c.project_id == scope.project_id)
        if connection.execute(there).scalar_one() >= SAVED_SEARCHES:
            raise SearchesFull(
                f"The project has {SAVED_SEARCHES} saved searches, and no room for more: delete "
                "one that nobody uses."
            )
        connection.execute(insert(TABLE).values(row))
    return row


def all_of(scope: ProjectScope) -> list[Row]:
    """Every saved search of the project, by name."""
    with reading() as connection:
        rows = all_rows(
            connection.execute(select(TABLE).where(TABLE.c.project_id == scope.project_id))
        )
    return names.in_order(scope, rows)


def one(scope: ProjectScope, search_id: uuid.UUID) -> Row | None:
    """The project's saved search with this id, or None where it has none."""
    with reading() as connection:
        return first_row(connection.execute(select(TABLE).where(*_that(scope, search_id))))


def rename(scope: ProjectScope, search_id: uuid.UUID, name: str) -> Row | None:
    """Give a saved search another name and return its row, or None. Raises NameTaken."""
    with writing() as connection:
        names.take_turns(scope, connection)
        row = first_row(connection.execute(select(TABLE).where(*_that(scope, search_id))))
        if row is None or row["name"] == name:
            return row
        names.refuse_taken(scope, connection, TABLE, name, what="A saved search")
        connection.execute(update(TABLE).where(*_that(scope, search_id)).values(name=name))
    return row | {"name": name}


def remove(scope: ProjectScope, search_id: uuid.UUID) -> bool:
    """Delete a saved search; whether there was one."""
    with writing() as connection:
        return connection.execute(delete(TABLE).where(*_that(scope, search_id))).rowcount > 0


def _that(scope: ProjectScope, search_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    return TABLE.c.project_id == scope.project_id, TABLE.c.id == search_id
