"""Backfills of a revision that is watched: left for later, as in an upgrade, and done unwatched.

A verb that fills a table at once would be seen to change every row of it; on a large table it does
so in batches, after the revision. The rows must be filled all the same, for the revisions to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.registering import PLACE
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.recording import record
from agentlogger.migrate.verbs.backfills import BackfillOp


class Postponed:
    """The registrar of one revision: what it is given is done when it is asked."""

    def __init__(self) -> None:
        self._left: list[Definition] = []

    def take(self, connection: Connection) -> None:
        """Be the registrar of a connection until it is asked to `finish`."""
        connection.info[PLACE] = self

    def is_large(self, definition: Definition, count: Callable[[int], int]) -> bool:  # noqa: ARG002  (the protocol's)
        """Every table is: which ones are so is the live database's to say."""
        return True

    def register(self, connection: Connection, definition: Definition, expected: int) -> None:  # noqa: ARG002  (likewise)
        """Leave a backfill for later."""
        self._left.append(definition)

    def note_filled(self, connection: Connection, definition: Definition, rows: int) -> None:
        """Nothing: nobody asks."""

    def finish(self, connection: Connection) -> None:
        """Do what was left, and commit. Raises DBAPIError."""
        connection.info.pop(PLACE, None)
        _do(connection, self._left)


def finish_needed(connection: Connection, script: ScriptDirectory, revision: Declared) -> None:
    """Do what a revision needs to be finished before it, for rows that came since; and commit."""
    if not revision.needs_backfills:
        return
    needed = [
        operation.definition
        for one in script.iterate_revisions(revision.revision, "base")
        for operation in record(one.module.upgrade, connection.dialect).of(BackfillOp)
        if operation.name in revision.needs_backfills
    ]
    try:
        _do(connection, needed)
    except DBAPIError:
        # The revision itself will tell, where it does need it.
        connection.rollback()


def _do(connection: Connection, definitions: Iterable[Definition]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    for definition in definitions:
        # As it stands: without parameters a percent sign is one.
        connection.exec_driver_sql(
            definition.update(quote), execution_options={"no_parameters": True}
        )
    connection.commit()
