"""Records as a command asks for them: the newest that fit, in pages; one by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from agentlogger.limits import PAGE_RECORDS_MAX
from agentlogger.showing.lines import Record
from agentlogger.terminal.sources import Source

PATH = "/api/v1/logs"
MOST = 10_000
"""The most records of a search: they are turned round in memory. `agentlogger export` has all."""


@dataclass(frozen=True)
class Asked:
    """What is searched for: a query, and the times beside it, as the API reads them."""

    query: str = ""
    since: str | None = None
    until: str | None = None
    cursor: str | None = None

    @property
    def parameters(self) -> dict[str, str | None]:
        """As parameters of the API."""
        return {
            "q": self.query or None,
            "from": self.since,
            "to": self.until,
            "cursor": self.cursor,
        }


@dataclass(frozen=True)
class Found:
    """Records, newest first; the cursor behind them where there are more; hints on the query.

    `note` says what the index of words does not have yet, where that makes a search slower.
    """

    records: Sequence[Record]
    cursor: str | None
    hints: Sequence[str]
    note: str | None = None


def newest(source: Source, asked: Asked, limit: int) -> Found:
    """The newest records that are meant, at most so many. Raises Refused."""
    records: list[Record] = []
    parameters: Mapping[str, Any] = asked.parameters
    while True:
        size = min(limit - len(records), PAGE_RECORDS_MAX)
        page = source.get(PATH, {**parameters, "limit": size})
        records += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(records) >= limit:
            # An older server says nothing of it.
            note = (page.get("text_index") or {}).get("note")
            return Found(records, cursor, page["hints"], note)
        parameters = {**parameters, "cursor": cursor}


def cursor_behind(source: Source, asked: Asked, found: Found, shown: int) -> str | None:
    """The cursor behind the first so many of what was found; None where nothing is behind them.

    A cursor is the server's, so a page that ends there is asked for once more.
    """
    if shown >= len(found.records):
        return found.cursor
    return newest(source, asked, shown).cursor if shown else asked.cursor


def one(source: Source, identifier: str) -> Record:
    """The record with this id, whole. Raises Refused."""
    record: Record = source.get(f"{PATH}/{quote(identifier, safe='')}", {})
    return record
