"""What a database is at one moment: its catalogue, and of each table a mark for every column.

A mark is a keyed digest of a column's values, each together with its row's primary key. Equal marks
of two moments of one rehearsal mean equal values in the same rows. The key is made for one
rehearsal and kept nowhere, so a mark tells nobody else anything, however few values there can be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agentlogger.migrate.trial.objects import parse

MADE_BY_SERVICES = frozenset({"partition"})
"""Kinds of objects that a running program makes as days go by: no fingerprint may hold them."""


@dataclass(frozen=True)
class Mark:
    """A column's values, as far as they need be known to be compared."""

    filled: int
    """Rows that have a value."""
    digest: int
    version: str = field(default="", compare=False)
    """What no other values of one rehearsal share, where that is known without reading them."""


@dataclass(frozen=True)
class TableState:
    """A table's rows. Without a primary key each column is compared by itself."""

    rows: int
    key: tuple[str, ...]
    columns: Mapping[str, Mark]


@dataclass(frozen=True)
class State:
    """A database at one moment."""

    catalogue: Mapping[str, str]
    """Each object by kind and name (see `trial.objects`), with its definition."""
    tables: Mapping[str, TableState]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the catalogue, without the partitions that a service makes each day."""
        lines = sorted(
            f"{key}\n{text}\n"
            for key, text in self.catalogue.items()
            if parse(key).kind not in MADE_BY_SERVICES
        )
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True)
class Difference:
    """What two moments do not have alike in an object of the schema."""

    thing: str
    kind: str
    """only before, only after, or another definition."""


def schema_differences(before: State, after: State) -> tuple[Difference, ...]:
    """What the second moment's schema has more, less or otherwise than the first one's."""
    found = []
    for key in sorted({*before.catalogue, *after.catalogue}):
        if key not in after.catalogue:
            found.append(Difference(key, "only before"))
        elif key not in before.catalogue:
            found.append(Difference(key, "only after"))
        elif before.catalogue[key] != after.catalogue[key]:
            found.append(Difference(key, "another definition"))
    return tuple(found)


def unlike(
    low: State, high: State, again_low: State, again_high: State
) -> tuple[Difference, ...]:  # fmt: skip
    """What a second upgrade makes of the schema otherwise than the first one did.

    What neither has changed does not count: it may have gone with an older revision.
    """
    first, second = _made(low, high), _made(again_low, again_high)
    found = []
    for key in sorted({*first, *second}):
        if first.get(key) != second.get(key):
            was, now = high.catalogue.get(key), again_high.catalogue.get(key)
            kind = "only before" if now is None else "only after" if was is None else None
            found.append(Difference(key, kind or "another definition"))
    return tuple(found)


def _made(low: State, high: State) -> dict[str, str | None]:
    """The objects that a step has made, changed or, with None, taken away."""
    return {
        one.thing: high.catalogue.get(one.thing) for one in schema_differences(low, high)
    }  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A table whose rows are not at a second moment what they were at a first one."""

    table: str
    rows_before: int
    rows_after: int
    columns: tuple[str, ...]
    """Columns of both moments with other values in some rows."""
    gone: Mapping[str, int]
    """Columns of the first moment alone, with how many values each had."""
    is_gone: bool = False
    """Whether the whole table is."""

    @property
    def loses(self) -> bool:
        """Whether something that was there is not, or is another."""
        return bool(
            self.columns or any(self.gone.values()) or self.rows_before != self.rows_after
        )  # fmt: skip

    def __str__(self) -> str:
        rows = "row" if self.rows_before == 1 else "rows"
        if self.is_gone:
            return f"{self.table} ({self.rows_before:,} {rows})"
        if self.rows_before != self.rows_after:
            return f"{self.table} ({self.rows_before:,} {rows} before, {self.rows_after:,} after)"
        names = [f"{self.table}.{name}" for name in self.columns]
        names += [
            f"{self.table}.{name} ({filled:,} {'value' if filled == 1 else 'values'})"
            for name, filled in self.gone.items()
            if filled
        ]
        return ", ".join(names)


def surviving(before: State, after: State) -> tuple[Change, ...]:
    """What a step has changed of the rows that were there, in the columns that both moments have.

    A table that is there at one moment alone is no change of rows, and neither is a column.
    """
    return tuple(
        one
        for one in _changes(before, after)
        if not one.is_gone and (one.columns or one.rows_before != one.rows_after)
    )


def lost(before: State, after: State) -> tuple[Change, ...]:
    """What was there before and is not after, or is another: rows, values, filled columns."""
    return tuple(one for one in _changes(before, after) if one.loses)


def dropped(before: State, after: State) -> tuple[str, ...]:
    """Tables and columns of the first moment that the second does not have."""
    found: list[str] = []
    for name, table in before.tables.items():
        if name not in after.tables:
            found.append(name)
            continue
        there = after.tables[name].columns
        found += [f"{name}.{column}" for column in table.columns if column not in there]
    return tuple(found)


def _changes(before: State, after: State) -> Iterator[Change]:
    for name, was in before.tables.items():
        now = after.tables.get(name)
        if now is None:
            filled = {column: mark.filled for column, mark in was.columns.items()}
            yield Change(name, was.rows, 0, (), filled, is_gone=True)
            continue
        both = [column for column in was.columns if column in now.columns]
        # Marks hold the keys of their rows, so with another key only counts can be compared.
        changed = [
            column
            for column in both
            if (
                was.columns[column] != now.columns[column]
                if was.key == now.key
                else was.columns[column].filled != now.columns[column].filled
            )
        ]
        gone = {
            column: mark.filled for column, mark in was.columns.items() if column not in both
        }  # fmt: skip
        if changed or gone or was.rows != now.rows:
            yield Change(name, was.rows, now.rows, tuple(changed), gone)
