"""Rows as plain dictionaries: what this room gives to the rooms above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Result

Row = dict[str, Any]


def all_rows(result: Result[Any]) -> list[Row]:
    """Every row of a result."""
    # By name and at once: SQLAlchemy's mappings ask for the names again at each row.
    names = list(map(str, result.keys()))
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def first_row(result: Result[Any]) -> Row | None:
    """The first row of a result, or None where it has none."""
    row = result.mappings().first()
    return None if row is None else {str(key): value for key, value in row.items()}


def rows_of(result: Result[Any], at_once: int) -> Iterator[Row]:
    """The rows of a result one by one, of which so many are fetched at once."""
    names = list(map(str, result.keys()))
    for rows in result.partitions(at_once):
        for row in rows:
            yield dict(zip(names, row, strict=True))
