"""Runs: what was recorded of one session or one trace, read for telling it.

Bounded: of a long one a part is read at a time, in the order of the records' keys, and what is left
out is said. A record is read without its attributes, but for the few texts that a story shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Label,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from agentlogger.limits import (
    LARGE_CHARACTERS,
    PREVIEW_CHARACTERS,
    RUN_COUNTED,
    RUN_TRACES,
)
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store import calls, usage
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.identifiers import public_id
from agentlogger.store.logs import Position
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.runs import sums
from agentlogger.store.runs.speech import said_in
from agentlogger.store.runs.stories import FAILED_SEVERITY, SYSTEM
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)
columns = TABLE.c

Columns = Mapping[str, ColumnElement[Any]]
"""Columns by their names: of the table, or of what was found of it."""

LEAN = (
    columns.ts_ns, columns.id, columns.severity_number, columns.event, columns.kind,
    columns.trace_id, columns.span_id, columns.parent_span_id, columns.session_id,
    columns.prompt_id, columns.agent, columns.model, columns.tool, columns.tool_call_id,
    columns.user_id, columns.duration_ns, columns.ok, columns.error_type, columns.error_message,
)  # fmt: skip

FOUND = (*LEAN, columns.event_name, columns.body, columns.attributes, columns.envelope)
"""What has to be found of a record, for all that is told of it."""

TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "text": {
        "prompt": ("prompt",),
        "response": ("response",),
    },
    "arguments": {
        "tool": (
            "gen_ai.tool.call.arguments", "tool_input", "tool_parameters", "arguments",
            "function_args", "tool_arguments", "ai.toolCall.args", "span_data.input",
            "input.value", "traceloop.entity.input", "gen_ai.prompt",
        ),
        "decision": ("tool_parameters",),
    },
    "result": {
        "tool": (
            "gen_ai.tool.call.result", "output", "tool_response", "ai.toolCall.result",
            "span_data.output", "output.value", "traceloop.entity.output", "gen_ai.completion",
        ),
    },
    "decision": {"decision": ("decision", "to_mode"), "tool": ("decision", "decision_type")},
    "decided_by": {
        "decision": ("source", "decision_source", "trigger"),
        "tool": ("decision_source",),
    },
}  # fmt: skip
"""For each text of a story the attributes that may hold it, by the record's kind; the first that is
there. Recorded from what agents send."""

SPOKEN = ("prompt", "response", "tool")
"""Kinds of records whose body may be what was said."""

INPUT = "gen_ai.input.messages"
"""The attribute in which spans of models have what they were given."""

PROMPT_RECORDS = 3
"""Records of one prompt: Codex writes it twice, and once without its text."""

AROUND_NS = 3_600 * 10**9
"""How long before a session's first record and after its last one the records of its traces are
looked for that name no session. It keeps partitions of other days unopened."""


@dataclass(frozen=True)
class LeftOut:
    """What of a run is in no answer: records behind those that were read."""

    records: int
    """How many, at most RUN_COUNTED."""
    is_more: bool
    """Whether there are more than were counted."""
    after: str
    """The id of the last record that was read."""


@dataclass(frozen=True)
class Run:
    """What was read of a run, in the order of the records' keys."""

    records: list[Row]
    calls: list[Row]
    usage: Row
    left_out: LeftOut | None
    traces_left_out: bool = False
    """Whether records of its traces are missing for their number."""


def of_session(
    scope: ProjectScope, session: str, *, after: Position | None, limit: int
) -> Run | None:
    """At most `limit` records of a session, the oldest first, from behind `after` on; None of none.

    Beside them as many at most that stand in its traces and name no session.
    """
    own = (columns.project_id == scope.project_id, columns.session_id == session)
    records, left_out = _part(own, after, limit)
    if not records:
        return None
    names = dict.fromkeys(row["trace_id"] for row in records if row["trace_id"])
    traces = list(names)[:RUN_TRACES]
    mates, mates_left_out = _mates(scope, traces, records, after, limit)
    wanted = calls.CallFilter(
        session=session,
        from_ns=records[0]["ts_ns"] - AROUND_NS if after is None else records[0]["ts_ns"],
        to_ns=None if left_out is None else records[-1]["ts_ns"] + 1,
    )
    return Run(
        records=sorted(records + mates, key=lambda row: (row["ts_ns"], row["id"])),
        calls=calls.oldest(scope, wanted, limit=limit),
        usage=usage.totals(scope, calls.CallFilter(session=session)),
        left_out=left_out,
        traces_left_out=mates_left_out or len(names) > RUN_TRACES,
    )


def of_trace(scope: ProjectScope, trace: str, *, after: Position | None, limit: int) -> Run | None:
    """At most `limit` records of a trace, the oldest first, from behind `after` on; None of none.

    Its calls are those that one of these records reports.
    """
    own = (columns.project_id == scope.project_id, columns.trace_id == trace)
    records, left_out = _part(own, after, limit)
    if not records:
        return None
    found = calls.of_records(scope, [(row["ts_ns"], row["id"]) for row in records])
    return Run(records, found, sums.sum_of(found), left_out)


def first_prompts(scope: ProjectScope, sessions: Sequence[Row]) -> dict[str, str]:
    """What was asked first in each of these summaries' sessions, where that was recorded.

    A query for each: it ends at the first prompt, which stands near a session's beginning, and a
    session without prompts is not asked for.
    """
    query = _prompts_of_a_session(db.engine.url.get_backend_name())
    found = {}
    with reading() as connection:
        for session in sessions:
            if session["prompts"]:
                rows = all_rows(connection.execute(query, _bounds(scope, session)))
                texts = (said_in(_shown(row)).text for row in rows)
                found[session["session_id"]] = next((text for text in texts if text), "")
    return {name: text for name, text in found.items() if text}


def first_inputs(scope: ProjectScope, sessions: Sequence[Row]) -> dict[str, str]:
    """What the first call of each of these sessions was given, where it is short enough.

    JSON that was cut is none; a conversation is short when it begins.
    """
    query = _input_of_a_session(db.engine.url.get_backend_name())
    found = {}
    with reading() as connection:
        for session in sessions:
            text = connection.execute(query, _bounds(scope, session)).scalar_one_or_none()
            if text:
                found[session["session_id"]] = text
    return found


IN_A_SESSION = (
    columns.project_id == bindparam("project"),
    columns.session_id == bindparam("session"),
    columns.ts_ns.between(bindparam("first_ns"), bindparam("last_ns")),
)


def _bounds(scope: ProjectScope, session: Row) -> dict[str, Any]:
    return {
        "project": scope.project_id,
        "session": session["session_id"],
        "first_ns": session["first_ns"],
        "last_ns": session["last_ns"],
    }


@cache
def _prompts_of_a_session(_database: str) -> Select[Any]:
    """The first records of prompts; made once, since it takes longer to make than to run."""
    asked = (columns.kind == "prompt", columns.event.is_distinct_from(SYSTEM))
    said = select(*_speech(dict(columns)))
    return _in_its_days(said.where(*IN_A_SESSION, *asked), PROMPT_RECORDS)


@cache
def _input_of_a_session(_database: str) -> Select[Any]:
    """What the first call was given, likewise."""
    given = backend_of(db.engine.url).text_under(columns.attributes, INPUT)
    calls = select(columns.ts_ns, columns.id, given.label("given")).where(
        *IN_A_SESSION, columns.kind == "llm"
    )
    first = _in_its_days(calls, 1).subquery()
    return select(first.c.given).where(func.length(first.c.given) <= LARGE_CHARACTERS)


def _in_its_days(chosen: Select[Any], limit: int) -> Select[Any]:
    """The oldest of what is chosen between two times, with `stray` named for each part.

    PostgreSQL then plans for the partitions of these days alone: 1 ms instead of 8 with 30 of them
    (measured), and a list of runs asks twenty times.
    """
    order = (columns.ts_ns, columns.id)
    parts = [
        chosen.where(columns.stray == stray).order_by(*order).limit(limit)
        for stray in backend_of(db.engine.url).STRAYS
    ]
    if len(parts) == 1:
        return parts[0]
    found = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(found).order_by(found.c.ts_ns, found.c.id).limit(limit)


def _part(
    own: Sequence[ColumnElement[bool]], after: Position | None, limit: int
) -> tuple[list[Row], LeftOut | None]:
    """The oldest records behind `after`, and what is left of them."""
    place = [] if after is None else after.behind(newest_first=False)
    with reading() as connection:
        rows = all_rows(connection.execute(_lean([*own, *place], limit + 1)))
        if len(rows) <= limit:
            return [_shown(row) for row in rows], None
        rows = rows[:limit]
        last = Position(rows[-1]["ts_ns"], rows[-1]["id"])
        # Two counts: of what is later the index on sessions knows all, and the table is not read.
        same = [columns.ts_ns == last.ts_ns, columns.id > last.record_id]
        left = sum(
            connection.execute(_number([*own, *those])).scalar_one()
            for those in ([columns.ts_ns > last.ts_ns], same)
        )
    left_out = LeftOut(
        records=min(left, RUN_COUNTED),
        is_more=left > RUN_COUNTED,
        after=public_id(last.ts_ns, last.record_id),
    )
    return [_shown(row) for row in rows], left_out


def _number(conditions: Iterable[ColumnElement[bool]]) -> Select[Any]:
    there = select(literal(1)).select_from(TABLE).where(*conditions).limit(RUN_COUNTED + 1)
    return select(func.count()).select_from(there.subquery())


def _mates(
    scope: ProjectScope,
    traces: Sequence[str],
    records: Sequence[Row],
    after: Position | None,
    limit: int,
) -> tuple[list[Row], bool]:
    """What stands in these traces and names no session; whether there is more of it."""
    if not traces:
        return [], False
    there = [
        columns.project_id == scope.project_id,
        columns.trace_id.in_(traces),
        columns.session_id.is_(None),
        columns.ts_ns >= records[0]["ts_ns"] - AROUND_NS,
        columns.ts_ns <= records[-1]["ts_ns"] + AROUND_NS,
        *([] if after is None else after.behind(newest_first=False)),
    ]
    with reading() as connection:
        rows = all_rows(connection.execute(_lean(there, limit + 1)))
    return [_shown(row) for row in rows[:limit]], len(rows) > limit


def _lean(conditions: Iterable[ColumnElement[bool]], limit: int) -> Select[Any]:
    """The oldest records that are like this, with what a story needs of each.

    They are found first and told then: PostgreSQL plans what is found for each partition, and what
    is told of it once: 2 ms instead of 6 with 30 of them (measured).
    """
    order = (columns.ts_ns, columns.id)
    found = select(*FOUND).where(*conditions).order_by(*order).limit(limit).subquery("found")
    return _chosen(db.engine.url.get_backend_name()).select_from(found)


@cache
def _chosen(_database: str) -> Select[Any]:
    """What a story needs of records that were `found`, in their order.

    Made once for a database, since it takes 5 ms to make.
    """
    there = {one.name: literal_column(f"found.{one.name}", one.type) for one in FOUND}
    said = _speech(there)
    named = {one.name for one in said}
    return select(
        *said,
        *(there[one.name].label(one.name) for one in LEAN if one.name not in named),
        case((_is_span(there), True), else_=False).label("is_span"),
        *(_text(there, name, by_kind) for name, by_kind in TEXTS.items() if name != "text"),
    ).order_by(there["ts_ns"], there["id"])


def _speech(there: Columns) -> list[Label[Any]]:
    """What `said_in` needs of a record, and its key."""
    backend, body = backend_of(db.engine.url), there["body"]
    spoken = or_(there["kind"].in_(SPOKEN), there["severity_number"] >= FAILED_SEVERITY)
    cut = case((spoken, backend.cut(body, longer_than=LARGE_CHARACTERS, to=PREVIEW_CHARACTERS)))
    return [
        *(there[name].label(name) for name in ("ts_ns", "id", "kind")),
        case((and_(spoken, cut.is_(None)), body)).label("body"),
        cut.label("cut"),
        _text(there, "text", TEXTS["text"]),
    ]


def _is_span(there: Columns) -> ColumnElement[bool]:
    """Whether a record is a span. Its parent or its kind says so, or the data of an agent's SDK.

    A root of no kind has neither: it is told from a log record by its name, which is no
    attribute's, and by its duration.
    """
    under = backend_of(db.engine.url).text_under
    return or_(
        there["parent_span_id"].is_not(None),
        under(there["envelope"], "span").is_not(None),
        and_(
            there["span_id"].is_not(None),
            there["duration_ns"].is_not(None),
            there["body"].is_(None),
            there["event"] == there["event_name"],
        ),
        under(there["attributes"], "span_data.type").is_not(None),
    )


def _text(there: Columns, name: str, by_kind: dict[str, tuple[str, ...]]) -> Label[Any]:
    """The beginning of a text, a character longer than is shown where it is cut."""
    under = backend_of(db.engine.url).text_under
    return case(
        *(
            (
                there["kind"] == kind,
                func.coalesce(
                    *(
                        func.substr(under(there["attributes"], one), 1, PREVIEW_CHARACTERS + 1)
                        for one in names
                    ),
                    None,
                ),
            )
            for kind, names in by_kind.items()
        )
    ).label(name)


def _shown(row: Row) -> Row:
    cut = row.pop("cut")
    if cut is not None:
        row["body"] = backend_of(db.engine.url).shown(cut[1])
    return row | {"record": public_id(row["ts_ns"], row["id"])}
