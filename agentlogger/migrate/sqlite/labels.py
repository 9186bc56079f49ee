"""The values that a column of an enum may have, as SQLite keeps them: a CHECK and a length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentlogger.migrate.causes import Failed

LISTED = r"\(?\s*\"?{column}\"?\s+IN\s*\((?P<labels>[^()]*)\)\s*\)?"
"""The CHECK that SQLAlchemy makes for an enum."""

LABEL = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Change:
    """What must become of a column; None stays as it is."""

    table: str
    column: str
    name: str
    """Of its CHECK; "" where it has none."""
    check: str | None
    length: int | None


def parted(column: str) -> tuple[str, str]:
    """The table and the name of a column that is written with both. Raises Failed."""
    table, dot, name = column.rpartition(".")
    if not dot:
        raise Failed(
            f"The column {column!r} of an enum must be written as 'table.column': correct the "
            "revision, then run the same command again."
        )
    return table, name


def having(
    reader: Any, table: str, column: str, value: str, place: tuple[str | None, str | None]
) -> Change:
    """What lets a column have the value; `place` is what it stands after and before."""
    name, labels = _labels(reader, table, column)
    length = _length(reader, table, column)
    # Without a CHECK the other values are not known, and the length is only ever raised.
    known = _with(labels, value, place) if labels is not None else [value]
    too_short = length is not None and length < max(map(len, known))
    check = None if labels is None or value in labels else _check(column, known)
    return Change(table, column, name, check, max(map(len, known)) if too_short else None)


def lacking(reader: Any, table: str, column: str, value: str) -> Change:
    """What lets a column have the value no more."""
    name, labels = _labels(reader, table, column)
    if labels is None or value not in labels:
        return Change(table, column, name, None, None)
    left = [one for one in labels if one != value]
    length = _length(reader, table, column)
    longest = max(map(len, left), default=length)
    is_too_long = length is not None and length != longest
    return Change(table, column, name, _check(column, left), longest if is_too_long else None)


def _labels(reader: Any, table: str, column: str) -> tuple[str, list[str] | None]:
    """The name and the values of the column's CHECK, None where it has none. Raises Failed."""
    pattern = re.compile(LISTED.format(column=re.escape(column)), re.IGNORECASE)
    for check in reader.get_check_constraints(table):
        match = pattern.fullmatch(check["sqltext"].strip())
        if match is None:
            continue
        if check["name"] is None:
            raise Failed(
                f"The CHECK of {table}.{column} has no name, so it cannot be changed: make the "
                "table anew with a name for it in a revision of its own, then run the same command "
                "again."
            )
        found = LABEL.findall(match["labels"])
        return check["name"], [one.replace("''", "'") for one in found]
    return "", None


def _length(reader: Any, table: str, column: str) -> int | None:
    for one in reader.get_columns(table):
        if one["name"] == column:
            return getattr(one["type"], "length", None)
    raise Failed(
        f"There is no column {table}.{column} in the database: correct the revision, then run the "
        "same command again."
    )


def _with(labels: Sequence[str], value: str, place: tuple[str | None, str | None]) -> list[str]:
    if value in labels:
        return list(labels)
    after, before = place
    index = len(labels)
    if after in labels:
        index = labels.index(str(after)) + 1
    if before in labels:
        index = labels.index(str(before))
    return [*labels[:index], value, *labels[index:]]


def _check(column: str, labels: Sequence[str]) -> str:
    listed = ", ".join("'" + one.replace("'", "''") + "'" for one in labels)
    return f"{column} IN ({listed})"
