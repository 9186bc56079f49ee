"""Rows written out, one by one: machine code writes each, and others have their turn between two.

A large body has tens of thousands of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from agentlogger.store.copy_text import Lines
from agentlogger.store.filled import Filled
from agentlogger.store.json_text import Texts

MANY = 64
"""Rows from which on it is looked for columns that none of them fills. NULL takes a database as
long as a number does, and of a record's columns half are NULL. For fewer rows SQLite would come to
have a statement for each set of columns that senders fill."""

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Written:
    """Rows as their database takes them; a column that is not among these is NULL in all."""

    columns: Sequence[str]
    rows: Sequence[Any]

    def only(self, places: Collection[int]) -> Written:
        """Those of the rows that stand at these places."""
        if len(places) == len(self.rows):
            return self
        return Written(self.columns, [self.rows[place] for place in places])


def texts(columns: Sequence[str], rows: Rows, json: int) -> Written:
    """The rows with JSON text in place of the last `json` values of each."""
    places = _filled(columns, rows)
    if not json and len(places) == len(columns):
        return Written(columns, rows)
    text = Texts(*_apart(places, len(columns) - json))
    return Written([columns[place] for place in places], [text.row(row) for row in rows])


def lines(columns: Sequence[str], rows: Rows, json: int) -> Written:
    """The rows as lines of COPY's text, without their ends; the last `json` values are JSON."""
    places = _filled(columns, rows)
    line = Lines(*_apart(places, len(columns) - json))
    return Written([columns[place] for place in places], [line.line(row) for row in rows])


def _filled(columns: Sequence[str], rows: Rows) -> list[int]:
    """The places of the columns that are written: of many rows, those that any of them fills."""
    if len(rows) < MANY:
        return list(range(len(columns)))
    filled = Filled(len(columns))
    for row in rows:
        filled.see(row)
    return filled.places()


def _apart(places: list[int], plain: int) -> tuple[list[int], list[int]]:
    """Those of the first `plain` columns, and those of JSON."""
    return [one for one in places if one < plain], [one for one in places if one >= plain]
