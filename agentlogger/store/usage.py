"""Usage: calls of models, summed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select

from agentlogger.models.calls import ModelCall
from agentlogger.models.database import table_of
from agentlogger.store.calls import CallFilter, conditions
from agentlogger.store.clock import DAY_NS
from agentlogger.store.connections import reading
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import ProjectScope

CALLS = table_of(ModelCall)
columns = CALLS.c

GROUPS: dict[str, ColumnElement[Any]] = {
    "model": columns.model,
    "agent": columns.agent,
    "provider": columns.provider,
    "session": columns.session_id,
    "user": columns.user_id,
    # Its own text, for a bound number would make another expression of it in GROUP BY.
    "day": columns.ts_ns - columns.ts_ns % literal_column(str(DAY_NS)),
}
"""By what calls can be grouped; a day is the time of its beginning."""

BESIDES = func.coalesce(columns.tokens_cache_write, 0) + func.coalesce(columns.tokens_tool, 0)
"""What of an input is neither fresh nor read from a cache. Most providers count neither of these,
and say nothing of them."""

BUCKETS: dict[str, ColumnElement[Any]] = {
    "tokens_in": columns.tokens_in,
    "tokens_fresh": columns.tokens_in - columns.tokens_cache_read - BESIDES,
    "tokens_cache_read": columns.tokens_cache_read,
    "tokens_cache_write": columns.tokens_cache_write,
    "tokens_tool": columns.tokens_tool,
    "tokens_out": columns.tokens_out,
    "tokens_answer": columns.tokens_out - columns.tokens_reasoning,
    "tokens_reasoning": columns.tokens_reasoning,
    "cost_micro_usd": columns.cost_micro_usd,
}
"""What is summed; the sum of a call is null where it did not tell all that it takes."""

UNDIVIDED: dict[str, ColumnElement[Any]] = {
    "tokens_in_undivided": case((columns.tokens_cache_read.is_(None), columns.tokens_in - BESIDES)),
    "tokens_out_undivided": case((columns.tokens_reasoning.is_(None), columns.tokens_out)),
}
"""What is left of input and output where the call did not tell how they divide: with these, the
parts of each add up to the whole."""

FAILED = columns.ok.is_(False)


def _number(of: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.count(case((of, 1)))


SUMS: list[ColumnElement[Any]] = [
    (func.count() + func.coalesce(func.sum(columns.failed_before), 0)).label("calls"),
    (_number(FAILED) + func.coalesce(func.sum(columns.failed_before), 0)).label("failed"),
    _number(columns.ok.is_(None)).label("unanswered"),
    _number(columns.cost_source == "upper_bound").label("upper_bounds"),
    *(func.sum(tokens).label(name) for name, tokens in (BUCKETS | UNDIVIDED).items()),
    *(
        _number(and_(tokens.is_(None), columns.ok.is_not(False))).label(f"untold_{name}")
        for name, tokens in BUCKETS.items()
    ),
]
"""What is said of calls together."""


def totals(scope: ProjectScope, wanted: CallFilter) -> Row:
    """All calls that are meant, as one sum."""
    with reading() as connection:
        (row,) = all_rows(connection.execute(_sums(scope, wanted)))
    return _whole_numbers(row)


def by_group(scope: ProjectScope, wanted: CallFilter, group_by: str, *, limit: int) -> list[Row]:
    """The same by group, at most `limit` of them: the newest days, else those with most calls.

    `group` is what the calls of a group have in common, null where they do not tell it.
    """
    group = GROUPS[group_by]
    by_number = (func.count().desc(), group.asc())
    query = (
        _sums(scope, wanted)
        .add_columns(group.label("group"))
        .group_by(group)
        .order_by(*((group.desc(),) if group_by == "day" else by_number))
        .limit(limit)
    )
    with reading() as connection:
        rows = all_rows(connection.execute(query))
    return [_whole_numbers(row) for row in rows]


def of_sessions(scope: ProjectScope, sessions: Collection[str]) -> dict[str, Row]:
    """The sum of each of these sessions of which any call is known."""
    query = (
        _sums(scope, CallFilter())
        .add_columns(columns.session_id.label("group"))
        .where(columns.session_id.in_(sessions))
        .group_by(columns.session_id)
    )
    with reading() as connection:
        rows = all_rows(connection.execute(query))
    return {row["group"]: _whole_numbers(row) for row in rows}


def models_of(scope: ProjectScope, sessions: Collection[str]) -> dict[str, list[str]]:
    """The models of each of these sessions, those with most calls first."""
    query = (
        select(columns.session_id, columns.model, func.count().label("calls"))
        .where(
            *conditions(scope, CallFilter()),
            columns.session_id.in_(sessions),
            columns.model.is_not(None),
        )
        .group_by(columns.session_id, columns.model)
        .order_by(func.count().desc(), columns.model)
    )
    models: dict[str, list[str]] = {}
    with reading() as connection:
        for row in all_rows(connection.execute(query)):
            models.setdefault(row["session_id"], []).append(row["model"])
    return models


def _sums(scope: ProjectScope, wanted: CallFilter) -> Select[Any]:
    return select(*SUMS).where(*conditions(scope, wanted))


def _whole_numbers(row: Row) -> Row:
    """PostgreSQL's sums of whole numbers come as decimals."""
    return {
        name: value if name == "group" or value is None else int(value)
        for name, value in row.items()
    }
