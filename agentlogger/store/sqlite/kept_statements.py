"""Statements of SQLite that are given to the driver itself, which keeps them ready by their text.

SQLAlchemy's own way through a short statement takes several times as long as the statement does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def fetched(
    connection: Connection, statement: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """What a statement finds, with a `%s` for each parameter. Raises DBAPIError."""
    return execute(connection, statement.replace("%s", "?"), parameters).fetchall()


def later(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> None:
    """Execute a statement, now: there is no round trip to be spared."""
    fetched(connection, statement, parameters)


def one_statement(connection: Connection, statement: str, *parameters: Any) -> list[Any]:
    """What a statement finds that is a transaction by itself, on a connection that is in none."""
    return fetched(connection, statement, parameters)


def execute(
    connection: Connection, statement: str, parameters: Sequence[Any] = (), *, many: bool = False
) -> sqlite3.Cursor:
    """The cursor of a statement, executed once or, where it is for many, for each of these."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (a checked-out connection has one)
    try:
        run = driver.executemany if many else driver.execute
        cursor: sqlite3.Cursor = run(statement, parameters)
    except sqlite3.Error as fault:
        raise DBAPIError.instance(
            statement, None, fault, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
        ) from fault
    return cursor
