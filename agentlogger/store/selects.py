"""Statements that read the first records of many, put together of what is kept ready.

SQLAlchemy makes the fifty columns of a record anew for each subquery of each statement, for which a
processor takes as long as for all the rest of a page (measured).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column, select, union_all

from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store.connections import backend_of

TABLE = table_of(LogRecord)
Columns = tuple[ColumnElement[Any], ...]

ALL: Columns = tuple(TABLE.c)
"""The columns of a record."""

SELECTS_KEPT = 64
"""Selections of columns that are kept: there are a few of records, and one of facets for each
choice of keys."""

EVERY: ColumnElement[Any] = literal_column("*")


@cache
def in_order(name: str, *, newest_first: bool) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """By time, and among equal times by the order within a request: of what has this name."""
    ts_ns: ColumnElement[Any] = literal_column(f"{name}.ts_ns")
    number: ColumnElement[Any] = literal_column(f"{name}.id")
    return (ts_ns.desc(), number.desc()) if newest_first else (ts_ns.asc(), number.asc())


@lru_cache(maxsize=SELECTS_KEPT)
def selected(columns: Columns) -> Select[Any]:
    """These columns of records."""
    return select(*columns)


@lru_cache(maxsize=SELECTS_KEPT)
def out_of(name: str, columns: Columns) -> Select[Any]:
    """The same columns out of a subquery of this name.

    They are its columns by their names alone: the subquery itself would make them anew.
    """
    return select(
        *(literal_column(f"{name}.{one.name}", one.type).label(one.name) for one in columns)
    )


def first(
    columns: Columns,
    like: Sequence[Any],
    limit: int | ColumnElement[int],
    *,
    newest_first: bool = True,
) -> Select[Any]:
    """The first of what is like this.

    The daily partitions and the strays' are asked apart, so that each part walks its own index:
    PostgreSQL leaves none unopened where `stray` may have two values.
    """
    order = in_order(TABLE.name, newest_first=newest_first)
    chosen = selected(columns).where(*like).order_by(*order).limit(limit)
    parts = [chosen.where(TABLE.c.stray == stray) for stray in backend_of(db.engine.url).STRAYS]
    if len(parts) == 1:
        return parts[0]
    both = union_all(*(select(EVERY).select_from(part.subquery()) for part in parts))
    found = out_of("parts", columns).select_from(both.subquery("parts"))
    return found.order_by(*in_order("parts", newest_first=newest_first)).limit(limit)
