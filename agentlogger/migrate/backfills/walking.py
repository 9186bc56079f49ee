"""How a database walks a table by its key; `postgresql` and `sqlite` each have such a walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

Key = tuple[str, ...]
"""The values of a row's key, as the database writes and reads them as text."""


@dataclass(frozen=True)
class Filled:
    """A batch."""

    walked: int
    """Rows that were looked at."""
    written: int
    last: Key | None
    """The last row that was looked at; None where there was none."""


class Walk(Protocol):
    """One backfill on one database. The caller commits."""

    def end(self, connection: Connection) -> Key | None:
        """The last row that there is now; None for an empty table."""

    def fill(
        self, connection: Connection, after: Key | None, end: Key, rows: int, *, again: bool
    ) -> Filled:
        """Look at the next rows behind `after` up to `end`, and write those that need it.

        `again` says that the table was walked before: then a row is only written where that
        changes it, so that one for which the condition holds for ever is not found for ever.
        """

    def is_left(self, connection: Connection) -> bool:
        """Whether any row still needs to be written. It may have to look at all of them."""
