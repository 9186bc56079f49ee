"""Whether an older program can go on: its own statements, tried before a revision and after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import first_line
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.linting.describing import Table
from agentlogger.migrate.linting.filling import Filler, described
from agentlogger.migrate.trial.observing import Observed

NUMBER = 884_741_000
"""Of the row that is tried: far from the numbers of those that are there."""

TAKES = re.compile(r"\b(?:DROP|RENAME|NOT\s+NULL|TYPE|CHECK)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Habit:
    """A statement of the older program."""

    table: str
    sql: str
    is_read: bool


@dataclass(frozen=True)
class Broken:
    """A statement of the older program that is refused now."""

    habit: Habit
    reason: str

    def at(self, observed: Sequence[Observed]) -> Observed | None:
        """The statement that most likely has done it: of those that name the table, the last."""
        name = re.compile(rf"\b{re.escape(self.habit.table)}\b")
        named = [one for one in observed if not one.error and name.search(one.sql)]
        taking = [one for one in named if TAKES.search(one.sql)]
        words = set(re.findall(r"\w+", self.reason)) - {self.habit.table}
        meant = [one for one in taking if words & set(re.findall(r"\w+", one.sql))]
        return next((found[-1] for found in (meant, taking, named) if found), None)


def habits(
    connection: Connection, dialect: Dialect, later: Mapping[str, Sequence[Table]]
) -> list[Habit]:
    """For each table a read of all its columns and an insert of a row; what fails now is no habit.

    The row obeys the rules of the tables that are to come, as those that are there do. The
    transaction is to be rolled back.
    """
    tables = described(connection, dialect, later)
    filler = Filler(connection, dialect, tables, whole=tables)
    quote = connection.dialect.identifier_preparer.quote
    found = []
    for name, table in tables.items():
        columns = ", ".join(quote(column.name) for column in table.columns)
        found.append(Habit(name, f"SELECT {columns} FROM {quote(name)} LIMIT 1", is_read=True))  # noqa: S608  (quoted)
        insert = filler.insert(name, NUMBER)
        if insert is not None:
            found.append(Habit(name, insert, is_read=False))
    refused = {one.habit for one in broken(connection, found)}
    return [one for one in found if one not in refused]


def broken(connection: Connection, known: Sequence[Habit]) -> Iterator[Broken]:
    """Those statements that are refused. The transaction is to be rolled back."""
    for one in known:
        tried = connection.begin_nested()
        try:
            connection.exec_driver_sql(one.sql, execution_options={"no_parameters": True})
        except DBAPIError as fault:
            yield Broken(one, first_line(fault))
        finally:
            tried.rollback()
