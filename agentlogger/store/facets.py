"""Facets: which values records have, and how many records have each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from agentlogger.errors import QueryTooSlow
from agentlogger.limits import FACET_RECORDS
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.keys import Key, Kind
from agentlogger.store.bounded import STATEMENTS_KEPT, Step, Walk, bounded, in_step, too_slow
from agentlogger.store.connections import reading
from agentlogger.store.histogram import span_of
from agentlogger.store.logs import LogFilter, newest
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)
columns = TABLE.c

ALL = -1
"""Stands where the place of a key does, in the row about all records."""

Value = str | None
"""A value as text; of a level its number, of a truth `true` or `false`. None where it has none."""


@dataclass
class Facets:
    """The values of the records that were looked at, the newest ones that are wanted."""

    records: int = 0
    """How many were looked at."""
    counts: list[Counter[Value]] = field(default_factory=list)
    """Of each key that was asked for, how many of them have each value."""
    since_ns: int | None = None
    """Where the newest ones end: what lies before this was not looked at. None where all was."""
    is_over: bool = False
    """Whether it is the time that was over, and not the number of records that was reached."""


def of_records(scope: ProjectScope, wanted: LogFilter, keys: Sequence[Key]) -> Facets:
    """Count the values of these keys in the records that are wanted, the newest FACET_RECORDS.

    Raises QueryTooSlow where nothing was found before the time was over.
    """
    found = Facets(counts=[Counter() for _ in keys])
    with reading() as connection:
        span = span_of(scope, wanted, connection)
    if span is None:
        return found
    found.since_ns, found.is_over = span[1], True
    timeless = replace(wanted, from_ns=None, to_ns=None)
    query = _values(db.engine.dialect.name, scope, timeless, tuple(keys))
    with suppress(QueryTooSlow), reading() as connection:
        for step in Walk(*span):
            parameters = {**step.parameters, "most": FACET_RECORDS - found.records}
            with bounded(connection, step.seconds):
                rows = connection.execute(query, parameters).all()
            found.since_ns = _add(found, rows, step)
            if found.records == FACET_RECORDS:
                found.is_over = False
                break
    if found.since_ns == span[0]:
        found.since_ns, found.is_over = None, False
    if found.is_over and not found.records:
        raise too_slow()
    return found


def _add(found: Facets, rows: Sequence[Any], step: Step) -> int:
    """Add what was counted in a step; return since when records were looked at in it."""
    since_ns = step.from_ns
    for place, value, records, oldest_ns in rows:
        if place != ALL:
            found.counts[place][value] += records
            continue
        found.records += records
        if found.records == FACET_RECORDS:
            since_ns = oldest_ns
    return since_ns


@lru_cache(maxsize=STATEMENTS_KEPT)
def _values(
    _dialect: str, scope: ProjectScope, wanted: LogFilter, keys: tuple[Key, ...]
) -> CompoundSelect[Any]:
    """Of each key its values with their numbers, and one row for all records of a step.

    The records are read once, and kept by the database while it goes through them for each key.
    It is sent with the step's parameters, and with `most`, how many records are read.
    """
    most = bindparam("most", type_=Integer)
    step = in_step(columns.ts_ns)
    read = newest(scope, wanted, [key.column for key in keys], also=step, limit=most)
    looked_at = read.cte("looked_at").prefix_with("MATERIALIZED")
    there = looked_at.c
    return union_all(
        select(literal(ALL), cast(literal(None), Text()), func.count(), func.min(there.ts_ns)),
        *(
            select(
                literal(place),
                _text(key, there[key.column]),
                func.count(),
                cast(null(), BigInteger()),
            ).group_by(there[key.column])
            for place, key in enumerate(keys)
        ),
    )


def _text(key: Key, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value as text, the same on both databases."""
    if key.kind is Kind.FLAG:
        return case((column.is_(True), "true"), (column.is_(False), "false"))
    return cast(column, Text())
