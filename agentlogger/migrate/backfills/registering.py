"""How a revision's backfill comes into `migration_backfills`, and out of it again.

An upgrade puts a Registrar on its connection. Where there is none, such as in a replay of the
history, a verb fills the table at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, select

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.progress import FINISHED, PENDING
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.ledger.tables import BACKFILLS

PLACE = "backfills"
"""Where the registrar of a connection is kept in its `info`."""


class Registrar(Protocol):
    """What decides which backfills are left for later, and keeps them."""

    def is_large(self, definition: Definition, count: Callable[[int], int]) -> bool:
        """Whether a table is too large to be filled at once; `count` counts rows up to a number."""

    def register(self, connection: Connection, definition: Definition, expected: int) -> None:
        """Leave a backfill of about so many rows for later."""

    def note_filled(self, connection: Connection, definition: Definition, rows: int) -> None:
        """Keep that a backfill was done at once, and wrote so many rows."""


def registrar_of(connection: Connection) -> Registrar | None:
    """Who takes the backfills of a revision that runs on this connection; None for nobody."""
    found: Registrar | None = connection.info.get(PLACE)
    return found


@dataclass
class Registering:
    """The registrar of one revision that is applied."""

    revision: str
    key: bytes | None
    """What its definition is signed with."""
    inline_rows: float
    """A table with more is filled later."""
    left: list[tuple[str, int]] = field(default_factory=list)
    """What was left for later: its name, and about how many rows."""

    def is_large(self, definition: Definition, count: Callable[[int], int]) -> bool:  # noqa: ARG002  (the protocol's)
        """Whether the table has more rows than are written at once."""
        most = int(self.inline_rows)
        return count(most + 1) > most

    def register(self, connection: Connection, definition: Definition, expected: int) -> None:
        """Write its row, with the transaction of the revision. Raises Refused for a taken name."""
        self._write(connection, definition, state=PENDING, rows_expected=expected, rows_done=0)
        self.left.append((definition.name, expected))

    def note_filled(self, connection: Connection, definition: Definition, rows: int) -> None:
        """Write a row that says so: a later revision may need it. Raises Refused likewise."""
        self._write(
            connection, definition, state=FINISHED, rows_expected=rows, rows_done=rows,
            rows_written=rows, passes=1,
        )  # fmt: skip

    def _write(self, connection: Connection, definition: Definition, **progress: Any) -> None:
        # The class's own function: what counts the statements of a revision must not count these.
        execute = type(connection).execute
        same = BACKFILLS.c.name == definition.name
        there = execute(connection, select(BACKFILLS).where(same)).one_or_none()
        if there is not None and there.revision != self.revision:
            raise Refused(
                f"Revision {there.revision} has a backfill {definition.name} already, so nothing "
                "was done: give this one another name with op.backfill(..., name=...), then run "
                "the same command again."
            )
        kept = definition.columns(self.revision, self.key)
        if there is not None:
            # A run that was killed has left it.
            if Definition.of_row(there) == definition and progress["state"] == PENDING:
                return
            execute(connection, BACKFILLS.delete().where(same))
        now = time.time_ns()
        row = {"begun_ns": now, "changed_ns": now, **kept, **progress}
        execute(connection, BACKFILLS.insert().values(row))


def forget(connection: Connection, revision: str) -> None:
    """Take out the backfills of a revision that is taken back. The caller commits."""
    connection.execute(BACKFILLS.delete().where(BACKFILLS.c.revision == revision))
