"""Calls of models, read: a page of them, the call that a record reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, union_all

from agentlogger.models.calls import ModelCall, ModelCallKey
from agentlogger.models.database import table_of
from agentlogger.store import merging
from agentlogger.store.connections import reading
from agentlogger.store.identifiers import parse_public_id, public_id
from agentlogger.store.logs import PIECE_RECORDS, Piece, Position
from agentlogger.store.pieces import pieces
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import ProjectScope

CALLS = table_of(ModelCall)
KEYS = table_of(ModelCallKey)


@dataclass(frozen=True)
class CallFilter:
    """Which calls are meant; None means any. Times are nanoseconds, `to_ns` is not included."""

    from_ns: int | None = None
    to_ns: int | None = None
    session: str | None = None
    model: str | None = None
    agent: str | None = None
    provider: str | None = None
    user: str | None = None


def page(
    scope: ProjectScope, wanted: CallFilter, *, after: Position | None, limit: int
) -> list[Row]:
    """At most `limit` calls, newest first, from behind `after` on."""
    query = select(CALLS).where(*conditions(scope, wanted))
    if after is not None:
        query = query.where(
            CALLS.c.ts_ns <= after.ts_ns,
            or_(
                CALLS.c.ts_ns < after.ts_ns,
                and_(CALLS.c.ts_ns == after.ts_ns, CALLS.c.call_id < after.record_id),
            ),
        )
    query = query.order_by(CALLS.c.ts_ns.desc(), CALLS.c.call_id.desc()).limit(limit)
    with reading() as connection:
        return [_shown(row) for row in all_rows(connection.execute(query))]


def oldest(scope: ProjectScope, wanted: CallFilter, *, limit: int) -> list[Row]:
    """At most `limit` calls, the oldest first."""
    query = select(CALLS).where(*conditions(scope, wanted)).order_by(CALLS.c.ts_ns, CALLS.c.call_id)
    with reading() as connection:
        return [_shown(row) for row in all_rows(connection.execute(query.limit(limit)))]


def of_records(scope: ProjectScope, keys: Sequence[tuple[int, int]]) -> list[Row]:
    """The calls that records with these times and numbers report, each once, the oldest first."""
    found: dict[int, Row] = {}
    with reading() as connection:
        for places in pieces(keys):
            query = select(CALLS).where(*_reported_by(scope, places))
            for row in all_rows(connection.execute(query)):
                if not _places_of(row).isdisjoint(places):
                    found[row["call_id"]] = _shown(row)
    return sorted(found.values(), key=lambda row: (row["ts_ns"], row["call_id"]))


def piece(
    scope: ProjectScope,
    wanted: CallFilter,
    encode: Callable[[Row], bytes],
    *,
    after: Position | None,
    most: int | None = None,
) -> Piece:
    """The next calls of a walk over all that are meant, newest first; see `logs.piece`."""
    most = PIECE_RECORDS if most is None else min(most, PIECE_RECORDS)
    rows = page(scope, wanted, after=after, limit=most + 1)
    shown = rows[:most]
    last = Position(shown[-1]["ts_ns"], shown[-1]["call_id"]) if shown else None
    content = bytearray()
    for row in shown:
        content += encode(row)
    return Piece(bytes(content), len(shown), last, more=len(rows) > most)


def of_record(scope: ProjectScope, identifier: str) -> Row | None:
    """The call that the record with this public id reports, or None where it reports none.

    `counts` names the columns for which the record's own word counts.
    """
    place = parse_public_id(identifier)
    if place is None:
        return None
    query = select(CALLS).where(*_reported_by(scope, [place]))
    with reading() as connection:
        rows = all_rows(connection.execute(query))
    row = next((one for one in rows if place in _places_of(one)), None)
    if row is None:
        return None
    call = _shown(row)
    own = next((one for one in call["reports"] if one["record"] == identifier), None)
    return call | {"counts": own["counts"] if own else []}


def _reported_by(
    scope: ProjectScope, places: Sequence[tuple[int, int]]
) -> tuple[ColumnElement[bool], ...]:
    """Calls that records with these times and numbers may report.

    A call has the number of one of its records, and the others have a name that leads to it.
    """
    names = [merging.record_key(*place) for place in places]
    named = select(KEYS.c.call_id).where(
        KEYS.c.project_id == scope.project_id, KEYS.c.digest.in_(names)
    )
    numbered = select(CALLS.c.call_id).where(
        CALLS.c.project_id == scope.project_id,
        CALLS.c.call_id.in_({record_id for _, record_id in places}),
    )
    theirs = union_all(named, numbered)
    return CALLS.c.project_id == scope.project_id, CALLS.c.call_id.in_(theirs)


def _places_of(row: Row) -> set[tuple[int, int]]:
    return {(report["ts_ns"], report["record_id"]) for report in row["reports"]}


def _shown(row: Row) -> Row:
    """A call as it is shown: what each record says of it, and where it counts."""
    reports = row["reports"]
    counting = merging.counting(reports)
    return row | {
        "reports": [
            report
            | {
                "record": public_id(report["ts_ns"], report["record_id"]),
                "counts": [column for column, one in counting.items() if one is report],
            }
            for report in reports
        ]
    }


def conditions(scope: ProjectScope, wanted: CallFilter) -> list[ColumnElement[bool]]:
    """What a call must be like to be one of those that are meant."""
    columns = CALLS.c
    equal = {
        columns.session_id: wanted.session,
        columns.model: wanted.model,
        columns.agent: wanted.agent,
        columns.provider: wanted.provider,
        columns.user_id: wanted.user,
    }
    found: list[ColumnElement[bool]] = [columns.project_id == scope.project_id]
    found += [column == value for column, value in equal.items() if value is not None]
    if wanted.from_ns is not None:
        found.append(columns.ts_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        found.append(columns.ts_ns < wanted.to_ns)
    return found
