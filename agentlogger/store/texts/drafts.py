"""Windows as they are made of the texts of records, one record after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.query.grams import ROWS, ROWS_MOST, mark
from agentlogger.query.words import COLUMNS, JSON_COLUMNS
from agentlogger.store.key_lists import Key
from agentlogger.store.rows import Row
from agentlogger.store.texts import window_bits

WINDOW_RECORDS = 128
"""Records of a window: as many are looked at for one that is found. In half of them the words that
all have in common would take as much room again."""

TOGETHER_CHARACTERS = 32 * 1024
"""Characters of texts that are marked at once: about a window of small records."""

REPEATED_CHARACTERS = 200
"""Texts so short are remembered within a window: names, sessions and models come in each record."""

INDEXED = (*COLUMNS, *JSON_COLUMNS)
"""The columns whose texts are indexed."""


class Drafts:
    """Windows that are being made of records in their order."""

    def __init__(self) -> None:
        self.seen: set[Key] = set()
        self._windows: list[tuple[list[Key], bytes]] = []
        self._begin()

    def _begin(self) -> None:
        self._keys: list[Key] = []
        self._spread = bytearray(ROWS)
        self._rows = 0
        self._repeated: set[str] = set()
        self._texts: list[str] = []
        self._characters = 0

    def add(self, row: Row) -> None:
        """One more record."""
        key = (row["ts_ns"], row["id"])
        self.seen.add(key)
        self._keys.append(key)
        for text in _texts_of(row):
            if text in self._repeated:
                continue
            if len(text) <= REPEATED_CHARACTERS:
                self._repeated.add(text)
            self._texts.append(text)
            self._characters += len(text)
        if self._characters >= TOGETHER_CHARACTERS:
            self._mark()
        if len(self._keys) >= WINDOW_RECORDS or self._rows >= ROWS_MOST:
            self._end()

    def _mark(self) -> None:
        mark(self._texts, self._spread)
        self._rows = self._spread.count(1)
        self._texts = []
        self._characters = 0

    def _end(self) -> None:
        self._mark()
        self._windows.append((sorted(self._keys), window_bits.column(self._spread)))
        self._begin()

    def windows(self) -> tuple[list[tuple[list[Key], bytes]], list[Key]]:
        """Those that are full, and the keys that are left."""
        return self._windows, self._keys


def _texts_of(row: Row) -> Iterator[str]:
    """Every text in which words are looked for."""
    waiting: list[Any] = [row[name] for name in INDEXED]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
