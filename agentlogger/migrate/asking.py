"""What a command of our own is told: the task, and the database beside the tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.script import ScriptDirectory
from flask import current_app, g
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.explaining import explained_fault
from agentlogger.migrate.extension import Migrations, database_url
from agentlogger.migrate.ledger.graph import state_of
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.folder import load
from agentlogger.migrate.task import Task


def asked(command: str) -> Task:
    """The task of a command of `flask db` that is ours. Raises Refused for a broken folder."""
    extension: Migrations = current_app.extensions["migrations"]
    script = ScriptDirectory.from_config(extension.configuration())
    return Task(
        script=script,
        revisions=tuple(load(script)),
        url=database_url(current_app),
        options=Options(g.get("x_arg") or (), current_app.config),
        metadata=current_app.extensions["migrate"].db.metadata,
        program=extension.version,
        command=command,
        doing=f"flask db {command}",
        is_quiet=False,
    )


@contextmanager
def connected(task: Task) -> Iterator[Connection]:
    """A connection that only reads, the state of the database known. Raises Unreachable."""
    engine = task.dialect.make_engine(task.url, writes=False)
    try:
        with engine.connect() as connection:
            task.state = state_of(connection, task.revisions)
            yield connection
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, f"`{task.doing}`") from fault
    finally:
        engine.dispose()
