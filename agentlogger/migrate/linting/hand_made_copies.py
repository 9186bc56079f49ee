"""A table of SQLite that a revision copies by its own statements, as Alembic's batches do it.

A new table is made, filled from the old one, and the old one is dropped; which of the two is
renamed, and when, differs by author. Each statement alone looks harmless: only the drop tells that
the rows went through a copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from agentlogger.migrate.trial.observing import Observed

NAME = r'["`\[]?(\w+)["`\]]?'

RENAMED = re.compile(rf"\s*ALTER\s+TABLE\s+{NAME}\s+RENAME\s+TO\s+{NAME}", re.IGNORECASE)

GONE = re.compile(rf"\s*DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?{NAME}", re.IGNORECASE)

FILLED = re.compile(r"\s*(?:INSERT|REPLACE|CREATE\s+TABLE)\b", re.IGNORECASE)


def with_copies(
    statements: Sequence[Observed], is_most: Callable[[str, float], bool]
) -> list[Observed]:
    """The statements, where one that copies a table tells that it has written it anew.

    `is_most` says whether so many rows are most of those that a table had.
    """
    return [
        replace(one, seen=replace(one.seen, rewritten=one.seen.rewritten | copied))
        if (copied := set(_copied(place, statements, is_most)))
        else one
        for place, one in enumerate(statements)
    ]


def _copied(
    place: int, statements: Sequence[Observed], is_most: Callable[[str, float], bool]
) -> Iterator[str]:
    """The tables, by their first names, that a statement has copied and a later one drops."""
    one = statements[place]
    if one.seen.rewritten or not FILLED.match(one.sql):
        return
    rows = sum(one.seen.written.values()) * one.share
    dropped = {match[1] for later in statements[place:] if (match := GONE.match(later.sql))}
    for source in (one.seen.touched - set(one.seen.written)) & dropped:
        first = _first_name(source, statements[:place])
        if is_most(first, rows):
            yield first


def _first_name(table: str, earlier: Sequence[Observed]) -> str:
    """What a table was called before the revision."""
    for one in reversed(earlier):
        match = RENAMED.match(one.sql)
        if match and match[2] == table:
            table = match[1]
    return table
