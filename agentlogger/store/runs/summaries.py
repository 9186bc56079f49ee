"""Summaries of sessions: what is in each of them, counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from agentlogger.limits import SESSION_COUNTED
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store import usage
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.runs.stories import FAILED_SEVERITY, HISTORY
from agentlogger.store.runs.sums import sum_of
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)
columns = TABLE.c


def of_sessions(scope: ProjectScope, sessions: Sequence[str]) -> list[Row]:
    """What is in each of these sessions, in their order."""
    if not sessions:
        return []
    of_calls, models = usage.of_sessions(scope, sessions), usage.models_of(scope, sessions)
    with reading() as connection:
        bounds = _bounds(connection, scope, sessions)
        counted = _count(connection, scope, bounds)
    return [
        _summary(counted, session)
        | {
            "session_id": session,
            "is_more": bounds[session]["is_more"],
            "models": models.get(session, []),
            "usage": of_calls.get(session, sum_of(())),
        }
        for session in sessions
    ]


def _bounds(
    connection: Connection, scope: ProjectScope, sessions: Collection[str]
) -> dict[str, Row]:
    """The times between which the records of each session are counted, and whether it has more."""
    asked = union_all(
        *(select(cast(literal(one), Text()).label("session_id")) for one in sessions)
    ).subquery()

    def nth(number: int, order: ColumnElement[int]) -> ColumnElement[Any]:
        return (
            select(columns.ts_ns)
            .where(columns.project_id == scope.project_id, columns.session_id == asked.c.session_id)
            .order_by(order)
            .offset(number)
            .limit(1)
            .correlate(asked)
            .scalar_subquery()
        )

    query = select(
        asked.c.session_id,
        nth(0, columns.ts_ns.asc()).label("first_ns"),
        nth(0, columns.ts_ns.desc()).label("last_ns"),
        nth(SESSION_COUNTED, columns.ts_ns.desc()).label("bound"),
    )
    rows = all_rows(connection.execute(query))
    return {
        row["session_id"]: {
            "since_ns": row["first_ns"] if row["bound"] is None else row["bound"] + 1,
            "until_ns": row["last_ns"],
            "is_more": row["bound"] is not None,
        }
        for row in rows
    }


@dataclass(frozen=True)
class _Counted:
    """What was counted of some sessions, by session."""

    groups: dict[str, list[Row]]
    """Records by what a summary tells apart."""
    tools: dict[str, dict[str | None, int]]
    """Calls that tools' records name, by tool."""
    prompts: dict[str, dict[bool, int]]
    """Prompts that are named: by the records of prompts, and by the others."""


def _count(connection: Connection, scope: ProjectScope, bounds: dict[str, Row]) -> _Counted:
    """Count the records of these sessions.

    One pass over each name that is counted once takes a third of what it takes to have all names
    grouped and sent (measured).
    """
    there = _there(scope, bounds).subquery().c
    counted = _Counted(defaultdict(list), defaultdict(dict), defaultdict(dict))
    apart = [column for column in there if column.name not in {"ts_ns", "tool_call_id"}]
    apart = [
        *(column for column in apart if column.name != "prompt_id"),
        there.tool_call_id.is_(None).label("names_no_call"),
        there.prompt_id.is_(None).label("names_no_prompt"),
    ]
    grouped = select(
        *apart,
        func.count().label("records"),
        func.min(there.ts_ns).label("first_ns"),
        func.max(there.ts_ns).label("last_ns"),
    ).group_by(*apart)
    for row in all_rows(connection.execute(grouped)):
        counted.groups[row["session_id"]].append(row)
    of_tools = (
        select(there.session_id, there.tool, func.count(there.tool_call_id.distinct()).label("n"))
        .where(there.kind.in_(["tool", "decision"]))
        .group_by(there.session_id, there.tool)
    )
    for row in all_rows(connection.execute(of_tools)):
        counted.tools[row["session_id"]][row["tool"]] = row["n"]
    is_prompt = there.kind == "prompt"
    of_prompts = (
        select(there.session_id, is_prompt, func.count(there.prompt_id.distinct()))
        .where(there.prompt_id.is_not(None))
        .group_by(there.session_id, is_prompt)
    )
    for session, is_own, number in connection.execute(of_prompts):
        counted.prompts[session][bool(is_own)] = number
    return counted


def _there(scope: ProjectScope, bounds: dict[str, Row]) -> CompoundSelect[Any]:
    """The records of these sessions, with what a summary tells apart.

    With the times of each, and one part for each `stray`, PostgreSQL opens the partitions of these
    days alone, and expects about as many records as there are: without, it expected thirty times
    as many, and spent a second on compiling its plan (measured).
    """
    text = backend_of(db.engine.url).text_under(columns.attributes, "prompt")
    whole = [one for one, bound in bounds.items() if not bound["is_more"]]
    theirs = or_(
        columns.session_id.in_(whole),
        *(
            and_(columns.session_id == one, columns.ts_ns >= bound["since_ns"])
            for one, bound in bounds.items()
            if bound["is_more"]
        ),
    )
    since_ns = min(bound["since_ns"] for bound in bounds.values())
    until_ns = max(bound["until_ns"] for bound in bounds.values())
    return union_all(
        *(
            select(
                columns.session_id,
                columns.ts_ns,
                columns.kind,
                columns.event,
                columns.agent,
                columns.user_id,
                columns.tool,
                columns.tool_call_id,
                columns.prompt_id,
                (columns.severity_number >= FAILED_SEVERITY).label("failed"),
                case((columns.kind == "prompt", text.is_not(None))).label("is_told"),
            ).where(
                columns.project_id == scope.project_id,
                columns.stray == stray,
                columns.ts_ns.between(since_ns, until_ns),
                theirs,
            )
            for stray in backend_of(db.engine.url).STRAYS
        )
    )


def _summary(counted: _Counted, session: str) -> Row:
    groups = counted.groups[session]
    agents: Counter[str] = Counter()
    users: Counter[str] = Counter()
    for row in groups:
        agents[row["agent"] or ""] += row["records"]
        users[row["user_id"] or ""] += row["records"]
    return {
        "first_ns": min(row["first_ns"] for row in groups),
        "last_ns": max(row["last_ns"] for row in groups),
        "records": sum(row["records"] for row in groups),
        "errors": sum(row["records"] for row in groups if row["failed"]),
        "prompts": _prompts(groups, counted.prompts[session]),
        "tools": _tools(groups, counted.tools[session]),
        "agents": [name for name, _ in agents.most_common() if name],
        "users": [name for name, _ in users.most_common() if name],
    }


def _prompts(groups: Sequence[Row], named: dict[bool, int]) -> int:
    """How many prompts there are: those with an id once each, else the records of prompts.

    Messages of a conversation are sent again with each call, and do not count.
    """
    own = [row for row in groups if row["kind"] == "prompt" and row["event"] not in HISTORY]
    if not own:
        return max(named.values(), default=0)
    nameless = [row for row in own if row["names_no_prompt"]]
    # Codex writes each prompt twice, and once without its text.
    told = [row for row in nameless if row["is_told"]] or nameless
    records: int = sum(row["records"] for row in told)
    return named.get(True, 0) + records


def _tools(groups: Sequence[Row], named: dict[str | None, int]) -> int:
    """How many calls of tools there are, each once, however many records tell of it."""
    nameless: Counter[tuple[str | None, str | None]] = Counter()
    for row in groups:
        if row["kind"] == "tool" and row["names_no_call"]:
            nameless[row["tool"], row["event"]] += row["records"]
    most = Counter(named)
    for (tool, _), records in nameless.items():
        most[tool] = max(most[tool], records)
    return sum(most.values())
