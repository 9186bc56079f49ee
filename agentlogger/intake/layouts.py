"""What the names of a record's attributes say by themselves: found once for all that share them.

An agent sends a few kinds of records, each with the same names in the same order, and most of the
hundred names that could fill a column or tell something are in none of them. To ask for each of
them in each record took a third of what it takes to read one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agentlogger.intake import aliases
from agentlogger.intake.readers.choosing import reader_by
from agentlogger.intake.readers.said import Reader
from agentlogger.limits import ERROR_MESSAGE_CHARACTERS, TEXT_COLUMN_CHARACTERS

KEPT = 1_024
"""Layouts that are remembered: agents use some tens, and a client may send what it likes."""
CHARACTERS_KEPT = 4_096
"""Characters of the names of one that is remembered, so that all of them take a few megabytes."""

_kept: dict[tuple[str, ...], Layout] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which of the attributes answer which question, those to be asked first at the front.

    One that is remembered is itself a key, by which others remember what they know of it.
    """

    columns: tuple[tuple[str, int, tuple[str, ...]], ...]
    """Each column that one may fill, with the characters that it holds, and their names."""
    reader: Reader | None
    """The reader of calls that one of them asks for."""
    kinds: tuple[str, ...]
    durations: tuple[str, ...]
    statuses: tuple[str, ...]


def layout_of(attributes: Iterable[str]) -> Layout:
    """The layout of attributes with these names, in this order."""
    names = tuple(attributes)
    found = _kept.get(names)
    if found is None:
        found = _layout(names)
        if sum(map(len, names)) <= CHARACTERS_KEPT:
            if len(_kept) >= KEPT:
                _kept.clear()
            _kept[names] = found
    return found


def _layout(names: tuple[str, ...]) -> Layout:
    there = set(names)

    def among(wanted: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in wanted if name in there)

    columns = {column: among(wanted) for column, wanted in aliases.TEXT_COLUMNS.items()}
    return Layout(
        columns=tuple(
            (column, _characters(column), found) for column, found in columns.items() if found
        ),
        reader=reader_by(there),
        kinds=among(aliases.KINDS_BY_ATTRIBUTE),
        durations=among(aliases.DURATION_MILLISECONDS),
        statuses=among(aliases.STATUS_CODES),
    )


def _characters(column: str) -> int:
    return ERROR_MESSAGE_CHARACTERS if column == "error_message" else TEXT_COLUMN_CHARACTERS
