"""The JSON API of runs: a list of sessions, and one session or trace as a story."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from agentlogger.blueprints import links
from agentlogger.blueprints.export import STREAMS, page_limit, streamed, wanted_format
from agentlogger.blueprints.gate import caller, needs
from agentlogger.errors import CursorInvalid, RunMissing
from agentlogger.limits import SESSIONS, SESSIONS_MAX
from agentlogger.query import parsing
from agentlogger.schemas.cursors import decode_cursor, encode_cursor
from agentlogger.schemas.export import Lines, Shape
from agentlogger.schemas.runs import RunQuerySchema, RunSchema
from agentlogger.schemas.sessions import SessionPageSchema, SessionQuerySchema, SessionSchema
from agentlogger.schemas.texts import plain_text
from agentlogger.store import spans
from agentlogger.store.identifiers import parse_public_id
from agentlogger.store.logs import Piece, Position
from agentlogger.store.runs import runs as store
from agentlogger.store.runs import sessions, stories
from agentlogger.store.runs.runs import Run
from agentlogger.store.runs.sessions import SessionFilter
from agentlogger.store.runs.sums import sum_of

runs = Blueprint("runs", __name__, url_prefix="/api/v1", description="Sessions and traces")


SESSION = SessionSchema()
SESSION_SHAPE = Shape(SessionSchema)

THE_END = Position(0, 0)
"""Where a stream has ended: nothing is behind it."""


@runs.route("/sessions", methods=["GET"])
@runs.arguments(SessionQuerySchema, location="query", unknown=None)
@runs.response(
    200,
    SessionPageSchema,
    headers=links.HEADERS,
)
@runs.doc(
    summary="List sessions, newest activity first",
    description="Each with what is in it. The pages of one listing show one moment: what comes in "
    "meanwhile neither moves nor hides a session. With `format`, or the header Accept, all of them "
    "as a stream of application/x-ndjson or text/csv.",
    **STREAMS,
)
@needs("read")
def list_sessions(
    asked: dict[str, Any],
) -> Response | tuple[dict[str, Any], int, dict[str, str]]:
    """List sessions, a page at a time or as a stream."""
    named = wanted_format(asked["format"])
    if named != "json":
        return _stream_of(asked, named)
    page = sessions_of(asked)
    if page["next_cursor"] is None:
        return page, 200, {}
    return page, 200, links.next_page("runs.list_sessions", page["next_cursor"])


@dataclass(frozen=True)
class _Listing:
    """Which sessions are listed, as of when, and from where on."""

    wanted: SessionFilter
    hints: Sequence[str]
    written: dict[str, str]
    """The filters as the client wrote them, for the next cursor."""
    as_of_ns: int
    after: Position | None

    def cursor(self, place: Position) -> str:
        """The cursor behind a place of this listing."""
        return (
            f"{encode_cursor(self.as_of_ns, 0, self.written)}."
            f"{encode_cursor(place.ts_ns, place.record_id, self.written)}"
        )


def sessions_of(asked: dict[str, Any]) -> dict[str, Any]:
    """A page of sessions, for arguments that SessionQuerySchema has read."""
    listing = _listing(asked)
    page = sessions.page(
        caller().scope,
        listing.wanted,
        as_of_ns=listing.as_of_ns,
        after=listing.after,
        limit=page_limit(asked["limit"], usual=SESSIONS, most=SESSIONS_MAX),
    )
    place = page.next_position
    cursor = None if place is None else listing.cursor(place)
    return {"items": page.items, "next_cursor": cursor, "hints": listing.hints}


def _stream_of(asked: dict[str, Any], named: str) -> Response:
    """All of the sessions that are asked for, as they were at one moment."""
    listing, scope = _listing(asked), caller().scope

    def walk(lines: Lines, behind: Position | None, most: int | None) -> Piece:
        page = sessions.page(
            scope,
            listing.wanted,
            as_of_ns=listing.as_of_ns,
            after=behind,
            limit=SESSIONS_MAX if most is None else min(most, SESSIONS_MAX),
        )
        written = [lines.fields(SESSION.dump(session)) for session in page.items]
        more = page.next_position is not None
        return Piece(b"".join(written), len(written), page.next_position or THE_END, more=more)

    return streamed(
        named,
        SESSION_SHAPE,
        walk,
        after=listing.after,
        limit=asked["limit"],
        as_of_ns=listing.as_of_ns,
        cursor=listing.cursor,
        hints=listing.hints,
    )


def _listing(asked: dict[str, Any]) -> _Listing:
    """The listing that these arguments mean. Raises CursorInvalid, QueryTooLarge."""
    written = {
        name: text
        for name, text in request.args.items()
        if text and name not in {"cursor", "limit", "format"}
    }
    as_of_ns, after = time.time_ns(), None
    if asked.get("cursor"):
        as_of, _, place = asked["cursor"].rpartition(".")
        as_of_ns, _ = decode_cursor(as_of, written)
        after = Position(*decode_cursor(place, written))
    query = parsing.read(asked.get("q", ""))
    wanted = SessionFilter(asked.get("from_ns"), asked.get("to_ns"), query.tree)
    return _Listing(wanted, query.hints, written, as_of_ns, after)


@runs.route("/sessions/<foreign:identifier>", methods=["GET"])
@runs.arguments(RunQuerySchema, location="query", unknown=None)
@runs.response(200, RunSchema)
@runs.alt_response(400, description="`after` is no record's id")
@runs.alt_response(404, description="No record of such a session in this project")
@runs.doc(
    summary="One session as a story",
    description="Prompts in order, and under each what followed: calls of models, each once; tools "
    "with decision, result and duration; responses and errors; beside it the trees of its traces.",
)
@needs("read")
def one_session(asked: dict[str, Any], identifier: str) -> dict[str, Any]:
    """A session, or a part of a long one."""
    return session_told(identifier, asked)


def session_told(identifier: str, asked: dict[str, Any]) -> dict[str, Any]:
    """A session as a story, for arguments that RunQuerySchema has read. Raises RunMissing."""
    session = plain_text(identifier)
    run = store.of_session(caller().scope, session, after=_after(asked), limit=asked["limit"])
    return _told(run, "session", session) | {"session_id": session, "trace_id": None}


@runs.route("/traces/<foreign:identifier>", methods=["GET"])
@runs.arguments(RunQuerySchema, location="query", unknown=None)
@runs.response(200, RunSchema)
@runs.alt_response(400, description="`after` is no record's id")
@runs.alt_response(404, description="No record of such a trace in this project")
@runs.doc(summary="One trace as a story", description="As a session; for agents that name none.")
@needs("read")
def one_trace(asked: dict[str, Any], identifier: str) -> dict[str, Any]:
    """A trace, or a part of a long one."""
    return trace_told(identifier, asked)


def trace_told(identifier: str, asked: dict[str, Any]) -> dict[str, Any]:
    """A trace as a story, likewise."""
    trace = plain_text(identifier)
    run = store.of_trace(caller().scope, trace, after=_after(asked), limit=asked["limit"])
    return _told(run, "trace", trace) | {"session_id": None, "trace_id": trace}


def _after(asked: dict[str, Any]) -> Position | None:
    if not asked.get("after"):
        return None
    key = parse_public_id(asked["after"])
    if key is None:
        raise CursorInvalid("`after` is no record's id: use left_out.after of the part before.")
    return Position(*key)


def _told(run: Run | None, what: str, identifier: str) -> dict[str, Any]:
    if run is None:
        raise RunMissing(
            f"Nothing was recorded of the {what} {identifier[:100]!r} in this project, or nothing "
            "behind `after`."
        )
    story = stories.story_of(run.records, run.calls)
    return {
        "first_ns": run.records[0]["ts_ns"],
        "last_ns": run.records[-1]["ts_ns"],
        "records": len(run.records),
        "agents": _names(row["agent"] for row in run.records),
        "models": _names(call["model"] for call in run.calls),
        "users": _names(row["user_id"] for row in run.records),
        "usage": run.usage,
        "turns": [
            {"prompt": turn.prompt, "usage": sum_of(turn.calls), "items": turn.items}
            for turn in story.turns
        ],
        "others": story.others,
        "spans": spans.forest(run.records),
        "left_out": run.left_out and vars(run.left_out),
        "traces_left_out": run.traces_left_out,
    }


def _names(given: Any) -> list[str]:
    """Each name once, in the order in which they come."""
    return list(dict.fromkeys(name for name in given if name))
