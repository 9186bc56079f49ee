"""Numbers: calls with their tokens, cost and durations, and errors, of what a query finds.

Calls of models are counted as calls and never as records, of which several report the same one.
What a query asks for is asked of the call itself where a call has all that it names; of any other
one it is enough that some record which reports the call is found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)

from agentlogger.intake.severity import ERROR
from agentlogger.models.calls import ModelCall
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.compiling import asks_only_of, condition
from agentlogger.query.tree import EVERYTHING
from agentlogger.store import logs, usage
from agentlogger.store.bounded import Allowance
from agentlogger.store.clock import DAY_NS
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.logs import LogFilter
from agentlogger.store.rows import Row
from agentlogger.store.scope import ProjectScope

CALLS = table_of(ModelCall)
RECORDS = table_of(LogRecord)
reporting = CALLS.alias("reporting")
columns = RECORDS.c

GROUPS: dict[str, ColumnElement[Any]] = {
    "model": columns.model,
    "tool": columns.tool,
    "agent": columns.agent,
    "provider": columns.provider,
    "session": columns.session_id,
    "user": columns.user_id,
    "day": columns.ts_ns - columns.ts_ns % literal_column(str(DAY_NS)),
}
"""By what can be grouped, as records have it; all but tools are groups of calls of models."""

Rows = Callable[[Executable], list[Row]]
"""What gives the rows that a statement finds, in what is left of the time."""

PERCENTS = (50, 95, 99)
"""The durations that are told: as many of a hundred calls took this long or less."""


NONE: Row = {
    **{column.name: None for column in usage.SUMS if not column.name.startswith("untold_")},
    **{f"duration_p{percent}_ns": None for percent in PERCENTS},
    "errors": 0,
    "timed": 0,
}
"""The numbers of calls of which nothing is known: calls of tools have no tokens and no cost."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of all calls that are meant, and of each group of them."""

    total: Row
    groups: list[Row]
    """Each with `group`, what its calls have in common; None where they do not tell it."""


def of_calls(scope: ProjectScope, wanted: LogFilter, by: str, *, limit: int) -> Numbers:
    """Numbers of calls in all, and by group: the newest days, else those with most calls.

    Raises QueryTooSlow.
    """
    allowance = Allowance()
    with reading() as connection:

        def rows(statement: Executable) -> list[Row]:
            return allowance.rows(connection, statement)

        if by == "tool":
            total, groups = _tools(rows, scope, wanted, limit)
        else:
            total, groups = _models(rows, scope, wanted, by, limit)
        names = [row["group"] for row in groups]
        (errors,) = rows(_errors(scope, wanted, None))
        failures = {row["group"]: row for row in rows(_errors(scope, wanted, by, names))}
    return Numbers(
        _whole(total | errors), [_whole(row | failures.get(row["group"], {})) for row in groups]
    )


def _models(
    rows: Rows, scope: ProjectScope, wanted: LogFilter, by: str, limit: int
) -> tuple[Row, list[Row]]:
    """Calls of models, in all and by group."""
    group = usage.GROUPS[by]
    meant = _meant(scope, wanted)
    sums = select(*usage.SUMS).where(*meant)
    timed = select(group.label("group"), CALLS.c.duration_ns).where(
        *meant, CALLS.c.duration_ns.is_not(None)
    )
    order = (group.desc(),) if by == "day" else (func.count().desc(), group.asc())
    groups = rows(
        sums.add_columns(group.label("group")).group_by(group).order_by(*order).limit(limit)
    )
    total = _added(groups) if 0 < len(groups) < limit else rows(sums)[0]
    for measured in rows(_percentiles(timed)):
        total |= measured
    names = [row["group"] for row in groups]
    among = _percentiles(timed.where(_one_of(group, names)), by_group=True)
    durations = {row["group"]: row for row in rows(among)}
    return total, [row | durations.get(row["group"], {}) for row in groups]


def _added(groups: Sequence[Row]) -> Row:
    """All groups as one, without a look at the calls again: what no call told is unknown."""
    total: Row = {}
    for name in (column.name for column in usage.SUMS):
        told = [row[name] for row in groups if row[name] is not None]
        total[name] = sum(told) if told else None
    return total


def _meant(scope: ProjectScope, wanted: LogFilter) -> list[ColumnElement[bool]]:
    """Which calls are meant, by their own times."""
    calls = CALLS.c
    found = _own(scope, wanted, calls)
    of_records = (wanted.event, wanted.trace, wanted.severity_min, wanted.severity_max)
    is_own = all(one is None for one in of_records) and asks_only_of(wanted.query, CALLS)
    if not is_own:
        return [*found, _is_reported(scope, wanted)]
    if wanted.session is not None:
        found.append(calls.session_id == wanted.session)
    if wanted.model is not None:
        found.append(calls.model == wanted.model)
    if wanted.query != EVERYTHING:
        found.append(condition(wanted.query, CALLS, db.engine.dialect.name))
    return found


def _own(scope: ProjectScope, wanted: LogFilter, calls: Any) -> list[ColumnElement[bool]]:
    """Calls of the project, by their own times."""
    found: list[ColumnElement[bool]] = [calls.project_id == scope.project_id]
    if wanted.from_ns is not None:
        found.append(calls.ts_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        found.append(calls.ts_ns < wanted.to_ns)
    return found


def _is_reported(scope: ProjectScope, wanted: LogFilter) -> ColumnElement[bool]:
    """Whether some record is wanted that reports the call, whenever it was.

    A call names its records by their keys, and each is looked up where it may be: days that it is
    not of stay unopened.
    """
    backend = backend_of(db.engine.url)
    reports = backend.members(reporting.c.reports)
    ts_ns, number = (
        cast(backend.text_under(reports.c.value, name), BigInteger())
        for name in ("ts_ns", "record_id")
    )
    # As one set, and not as a look for each call: that took ten times as long (measured).
    reported = union_all(
        *(
            select(reporting.c.call_id)
            .select_from(reporting)
            .join(reports, true())
            .join(RECORDS, and_(columns.ts_ns == ts_ns, columns.id == number))
            .where(
                *_own(scope, wanted, reporting.c),
                columns.stray == stray,
                *logs.conditions(scope, replace(wanted, from_ns=None, to_ns=None)),
            )
            for stray in backend.STRAYS
        )
    )
    return CALLS.c.call_id.in_(reported)


def _tools(rows: Rows, scope: ProjectScope, wanted: LogFilter, limit: int) -> tuple[Row, list[Row]]:
    """Calls of tools, in all and by tool. There are few tools: all are read by one statement."""
    backend = backend_of(db.engine.url)
    calls = _tool_calls(scope, wanted).c
    numbered = (
        select(
            calls.tool,
            calls.failed,
            calls.duration_ns,
            *backend.ranked(calls.duration_ns, ""),
            *backend.ranked(calls.duration_ns, "_of_tool", partition_by=calls.tool),
        )
        .cte("numbered")
        .prefix_with("MATERIALIZED")
    )
    there = numbered.c
    counts = (
        func.count().label("calls"),
        func.coalesce(func.sum(there.failed), 0).label("failed"),
        func.count(case((there.failed.is_(None), 1))).label("unanswered"),
    )
    found = rows(
        union_all(
            select(
                literal(1).label("is_all"),
                cast(null(), Text()).label("group"),
                *counts,
                *_least(there, ""),
            ),
            select(literal(0), there.tool, *counts, *_least(there, "_of_tool")).group_by(
                there.tool
            ),
        )
    )
    (total,) = (row for row in found if row["is_all"])
    tools = [row for row in found if not row["is_all"]]
    tools.sort(key=lambda row: (-row["calls"], row["group"] or ""))
    return total, tools[:limit]


def _tool_calls(scope: ProjectScope, wanted: LogFilter) -> Subquery:
    """Calls of tools, each once: those records of tools that name the same call are of one.

    A record that names none stands for a call by itself.
    """
    nameless = columns.tool_call_id.is_(None)
    there = (
        union_all(
            *(
                select(
                    columns.tool,
                    columns.session_id,
                    columns.tool_call_id,
                    case((nameless, columns.ts_ns)).label("own_ns"),
                    case((nameless, columns.id)).label("own_id"),
                    columns.duration_ns,
                    case((columns.ok.is_(False), 1), (columns.ok.is_(True), 0)).label("failed"),
                ).where(
                    columns.stray == stray,
                    columns.kind == "tool",
                    *logs.conditions(scope, wanted),
                )
                for stray in backend_of(db.engine.url).STRAYS
            )
        )
        .subquery()
        .c
    )
    return (
        select(
            there.tool,
            func.max(there.duration_ns).label("duration_ns"),
            func.max(there.failed).label("failed"),
        )
        .group_by(there.tool, there.session_id, there.tool_call_id, there.own_ns, there.own_id)
        .subquery()
    )


def _least(there: Any, name: str) -> Iterator[ColumnElement[Any]]:
    """How many calls tell how long they took, and the durations that so many do not exceed."""
    backend = backend_of(db.engine.url)
    names = ("timed", *(f"duration_p{percent}_ns" for percent in PERCENTS))
    found = backend.percentiles(there, there.duration_ns, name, PERCENTS)
    for label, column in zip(names, found, strict=True):
        yield column.label(label)


def _percentiles(timed: Select[Any], *, by_group: bool = False) -> Select[Any]:
    """Of calls that tell how long they took, how many there are and their percentiles."""
    backend = backend_of(db.engine.url)
    there = timed.subquery().c
    partition = there.group if by_group else None
    ranked = backend.ranked(there.duration_ns, "", partition_by=partition)
    numbered = select(there.group, there.duration_ns, *ranked).subquery().c
    if not by_group:
        return select(*_least(numbered, ""))
    return select(numbered.group, *_least(numbered, "")).group_by(numbered.group)


def _errors(
    scope: ProjectScope, wanted: LogFilter, by: str | None, names: Sequence[Any] = ()
) -> Select[Any]:
    """How many records are errors, in all or of each of these groups."""
    group = literal_column("0") if by is None else GROUPS[by]
    there = (
        union_all(
            *(
                select(group.label("group")).where(
                    columns.stray == stray,
                    columns.severity_number >= ERROR,
                    *logs.conditions(scope, wanted),
                )
                for stray in backend_of(db.engine.url).STRAYS
            )
        )
        .subquery()
        .c
    )
    if by is None:
        return select(func.count(there.group).label("errors"))
    return (
        select(there.group, func.count().label("errors"))
        .where(_one_of(there.group, names))
        .group_by(there.group)
    )


def _one_of(group: ColumnElement[Any], names: Collection[Any]) -> ColumnElement[bool]:
    known = group.in_([name for name in names if name is not None])
    return or_(known, group.is_(None)) if None in names else known


def _whole(row: Row) -> Row:
    """With all numbers that there may be, as whole ones: PostgreSQL's sums come as decimals."""
    return NONE | {
        name: value if name == "group" or value is None else int(value)
        for name, value in row.items()
    }
