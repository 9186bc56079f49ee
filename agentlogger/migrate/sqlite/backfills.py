"""How SQLite fills a table: at once, since it has one writer and nobody could work beside it."""

from __future__ import annotations

from sqlalchemy import Connection

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.throttle import Load
from agentlogger.migrate.backfills.walking import Filled, Key


def load(connection: Connection) -> Load:  # noqa: ARG001  (the protocol's)
    """Nothing: there are no replicas, and a writer waits for no reader."""
    return Load()


class WholeTable:
    """A backfill's table as one batch: what `walking.Walk` asks for."""

    def __init__(self, connection: Connection, definition: Definition) -> None:
        self._definition = definition
        self._quote = connection.dialect.identifier_preparer.quote

    def end(self, connection: Connection) -> Key | None:  # noqa: ARG002  (the protocol's)
        """One place, behind which there is nothing."""
        return ("end",)

    def fill(
        self,
        connection: Connection,
        after: Key | None,  # noqa: ARG002  (the protocol's)
        end: Key,
        rows: int,  # noqa: ARG002  (likewise)
        *,
        again: bool,
    ) -> Filled:
        """Write all rows that need it."""
        others = [self._changes()] if again else []
        statement = self._definition.update(self._quote, *others)
        written = max(0, connection.exec_driver_sql(statement).rowcount)
        return Filled(written, written, end)

    def is_left(self, connection: Connection) -> bool:
        """Whether any row still needs to be written."""
        table = self._definition.table_sql(self._quote)
        where = self._definition.condition(self._changes())
        asked = f"SELECT 1 FROM {table} WHERE {where} LIMIT 1"  # noqa: S608  (the revision's own SQL)
        return connection.exec_driver_sql(asked).first() is not None

    def _changes(self) -> str:
        return " OR ".join(
            f"{self._quote(column)} IS NOT ({sql})" for column, sql in self._definition.assignments
        )


def make_walk(connection: Connection, definition: Definition) -> WholeTable:
    """The walk of a backfill."""
    return WholeTable(connection, definition)
