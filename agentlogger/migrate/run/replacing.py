"""A database that is at the last of squashed revisions, written as what stands for them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from flask import current_app
from sqlalchemy import Connection, column, table

from agentlogger.migrate.causes import WouldLose
from agentlogger.migrate.ledger import history
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.task import Task

VERSION = table("alembic_version", column("version_num"))


def record_replaced(task: Task, state: State, connection: Connection) -> None:
    """Write the version row in the words of this tree, with its row of the history, and commit.

    Nothing is done where it says so already. The caller holds the lock.
    """
    if not state.version_row:
        return
    keys = keys_of(current_app.config)
    for revision in sorted(set(state.heads) - set(state.version_row)):
        base = state.known[revision]
        row = history.begin(
            connection,
            base,
            "stamp",
            program=task.program,
            down_sql=(),
            key=keys[0] if keys else None,
        )
        history.end(connection, row)
        connection.execute(VERSION.insert().values(version_num=revision))
    gone = sorted(set(state.version_row) - set(state.heads))
    connection.execute(VERSION.delete().where(VERSION.c.version_num.in_(gone)))
    connection.commit()
    if not task.is_quiet:
        now = ", ".join(state.heads)
        print(f"{', '.join(gone)} was squashed: the database is at {now}.", file=sys.stderr)  # noqa: T201


def refuse_many_as_one(state: State, chosen: Sequence[str]) -> None:
    """Raise WouldLose where a step back would take what this database got in several steps."""
    told = history.last_up(state.history)
    for revision in chosen:
        replaced = state.known[revision].replaces
        if replaced is None or (revision in told and told[revision].direction == "up"):
            continue
        raise WouldLose(
            f"A step back from here is {revision}, which stands for {len(replaced.revisions)} "
            "revisions that this database got one by one, and would drop everything, so nothing "
            "was done: `flask db downgrade base` does that where it is meant, and a program that "
            f"still has {', '.join(replaced.heads)}"
            + (f" (release {replaced.release})" if replaced.release else "")
            + " takes them back one by one, after `flask db rollback-to-code`."
        )
