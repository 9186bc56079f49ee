"""Whether the database answers, and for the migration room, a connection to ask it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, text

from agentlogger.models.database import db
from agentlogger.store.connections import reading, writing
from agentlogger.store.scope import OperatorScope

Answer = TypeVar("Answer")


def ask(scope: OperatorScope, question: Callable[[Connection], Answer]) -> Answer:
    """Put a question to the database. Raises DatabaseUnavailable where it does not answer."""
    del scope
    with reading() as connection:
        connection.execute(text("SELECT 1"))
        return question(connection)


def tell(scope: OperatorScope, message: Callable[[Connection], None]) -> None:
    """Let the migration room write its own rows. Raises DatabaseUnavailable and DatabaseBehind."""
    del scope
    with writing() as connection:
        message(connection)


def name(scope: OperatorScope) -> str:
    """The database as a person may see it: without its password."""
    del scope
    return db.engine.url.render_as_string(hide_password=True)
