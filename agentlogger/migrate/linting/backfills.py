"""Backfills of a revision that is watched: left for later, as in an upgrade, and done unwatched.

A verb that fills a table at once would be seen to change every row of it; on a large table it does
so in batches, after the revision. The rows must be filled all the same, for the revisions to come.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.registering import PLACE


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
        quote = connection.dialect.identifier_preparer.quote
        for definition in self._left:
            # As it stands: without parameters a percent sign is one.
            connection.exec_driver_sql(
                definition.update(quote), execution_options={"no_parameters": True}
            )
        connection.commit()
