"""Percentiles where a database has no aggregate for them, as SQLite: by the places of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func


def ranked(
    value: ColumnElement[Any], name: str, *, partition_by: ColumnElement[Any] | None = None
) -> list[ColumnElement[Any]]:
    """The place of a row among those with larger values, and how many have a value."""
    order = value.asc().nulls_last()
    return [
        func.row_number().over(partition_by=partition_by, order_by=order).label(f"place{name}"),
        func.count(value).over(partition_by=partition_by).label(f"valued{name}"),
    ]


def percentiles(
    there: Any, value: ColumnElement[Any], name: str, percents: Sequence[int]
) -> Iterator[ColumnElement[Any]]:
    """How many have a value, and what PostgreSQL's `percentile_disc` gives of these."""
    place, valued = there[f"place{name}"], there[f"valued{name}"]
    yield func.coalesce(func.max(valued), 0)
    for percent in percents:
        yield func.min(case((place * 100 >= valued * percent, value)))
