"""Commands that change no schema: they never wait for the migrator's lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from sqlalchemy import Connection

from agentlogger.migrate.ledger.graph import State, state_of
from agentlogger.migrate.task import Task

COMMANDS = {"current", "history"}
"""Those that compare and write nothing. Whatever else Alembic has may: `drafting` runs it."""


def look(task: Task) -> None:
    """Run a command that only reads the revision."""
    with looking(task) as connection:
        given = task.arguments | dict(task.dialect.CONTEXT_ARGUMENTS)
        context.configure(**given | {"connection": connection, "target_metadata": task.metadata})


@contextmanager
def looking(task: Task) -> Iterator[Connection]:
    """Give the block a connection to configure Alembic with, and then do what it was asked for."""
    engine = task.dialect.make_engine(task.url, writes=False)
    try:
        with engine.connect() as connection:
            task.state = state_of(connection, task.revisions)
            connection.rollback()
            yield connection
            _tell_heads(task.state)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


def _tell_heads(state: State) -> None:
    """Let Alembic read the version row in the words of this tree, which has squashed revisions."""
    if state.version_row:
        told: Any = context.get_context()
        told.get_current_heads = lambda: state.heads
