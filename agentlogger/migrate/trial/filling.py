"""Backfills where revisions are tried: rows that would be filled later are filled without a word.

What a revision after it needs is there then, and nothing of it counts as the revision's own work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.progress import FINISHED, backfills
from agentlogger.migrate.ledger.tables import BACKFILLS
from agentlogger.migrate.trial.estimating import Sampled


class Trying:
    """The registrar of a revision that is tried with a sample of the rows."""

    def __init__(self, sampled: Mapping[str, Sampled], inline_rows: float) -> None:
        self._sampled = sampled
        self._inline_rows = inline_rows
        self.left: list[tuple[str, int]] = []
        """What would be left for later: its name, and about how many rows the live table has."""

    def is_large(self, definition: Definition, count: Callable[[int], int]) -> bool:
        """Whether the live table has more rows than are written at once."""
        return self._rows(definition, count) > self._inline_rows

    def _rows(self, definition: Definition, count: Callable[[int], int]) -> int:
        known = self._sampled.get(definition.table)
        return known.rows if known is not None else count(int(self._inline_rows) + 1)

    def register(self, connection: Connection, definition: Definition, expected: int) -> None:
        """Fill the sample at once."""
        known = self._sampled.get(definition.table)
        self.left.append((definition.name, known.rows if known is not None else expected))
        _fill(connection, definition)

    def note_filled(self, connection: Connection, definition: Definition, rows: int) -> None:
        """Nothing: nobody looks for it here."""


def unfinished(connection: Connection) -> list[Definition]:
    """The backfills that the live database has not finished."""
    if not backfills(connection):
        return []
    found = select(BACKFILLS).where(BACKFILLS.c.state != FINISHED).order_by(BACKFILLS.c.begun_ns)
    return [Definition.of_row(row) for row in connection.execute(found)]


def fill(connection: Connection, definitions: Sequence[Definition]) -> None:
    """Do in a scratch database what the live one has not finished, and commit."""
    for one in definitions:
        try:
            _fill(connection, one)
            connection.commit()
        except DBAPIError:
            # Whoever works it off is told; a plan is about the revisions after it.
            connection.rollback()


def _fill(connection: Connection, definition: Definition) -> None:
    quote = connection.dialect.identifier_preparer.quote
    # As it stands: without parameters a percent sign is one.
    connection.exec_driver_sql(definition.update(quote), execution_options={"no_parameters": True})
