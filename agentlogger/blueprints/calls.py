"""The JSON API of calls of models: list them, sum them."""

from __future__ import annotations

import time
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from agentlogger.blueprints import links
from agentlogger.blueprints.export import STREAMS, page_limit, streamed, wanted_format
from agentlogger.blueprints.gate import caller, needs
from agentlogger.schemas.calls import CallPageSchema, CallQuerySchema, CallSchema
from agentlogger.schemas.cursors import decode_cursor, encode_cursor
from agentlogger.schemas.export import Lines, Shape
from agentlogger.schemas.usage import UsageAnswerSchema, UsageQuerySchema
from agentlogger.store import calls as store
from agentlogger.store import usage
from agentlogger.store.calls import CallFilter
from agentlogger.store.logs import Piece, Position

calls = Blueprint("calls", __name__, url_prefix="/api/v1", description="Calls of models")

CALL = Shape(CallSchema)


@calls.route("/calls", methods=["GET"])
@calls.arguments(CallQuerySchema, location="query", unknown=None)
@calls.response(
    200,
    CallPageSchema,
    headers=links.HEADERS,
)
@calls.doc(
    summary="List calls of models, newest first",
    description="One item a call, however many records report it. With `format`, or the header "
    "Accept, all of them as a stream of application/x-ndjson or text/csv.",
    **STREAMS,
)
@needs("read")
def list_calls(asked: dict[str, Any]) -> Response | tuple[dict[str, Any], int, dict[str, str]]:
    """List calls by filters, a page at a time or as a stream."""
    written = {
        name: text
        for name, text in request.args.items()
        if name not in {"cursor", "limit", "format"}
    }
    after = Position(*decode_cursor(asked["cursor"], written)) if asked.get("cursor") else None
    scope, wanted = caller().scope, _wanted(asked)

    def walk(lines: Lines, behind: Position | None, most: int | None) -> Piece:
        return store.piece(scope, wanted, lines.line, after=behind, most=most)

    named = wanted_format(asked["format"])
    if named != "json":
        return streamed(
            named,
            CALL,
            walk,
            after=after,
            limit=asked["limit"],
            as_of_ns=time.time_ns(),
            cursor=lambda last: encode_cursor(last.ts_ns, last.record_id, written),
        )
    limit = page_limit(asked["limit"])
    rows = store.page(scope, wanted, after=after, limit=limit + 1)
    if len(rows) <= limit:
        return {"items": rows, "next_cursor": None}, 200, {}
    last = rows[limit - 1]
    cursor = encode_cursor(last["ts_ns"], last["call_id"], written)
    link = links.next_page("calls.list_calls", cursor)
    return {"items": rows[:limit], "next_cursor": cursor}, 200, link


@calls.route("/usage", methods=["GET"])
@calls.arguments(UsageQuerySchema, location="query", unknown=None)
@calls.response(200, UsageAnswerSchema)
@calls.doc(
    summary="Sum calls of models",
    description="Calls, tokens in parts that do not overlap, and cost; in all and by group. Each "
    "call counts once. What was not told is unknown, and never 0.",
)
@needs("read")
def sum_calls(asked: dict[str, Any]) -> dict[str, Any]:
    """Sum calls by filters, in all and by group."""
    scope, wanted = caller().scope, _wanted(asked)
    groups = []
    if asked["group_by"] is not None:
        groups = usage.by_group(scope, wanted, asked["group_by"], limit=asked["limit"])
    return {"total": usage.totals(scope, wanted), "groups": groups}


def _wanted(asked: dict[str, Any]) -> CallFilter:
    names = ("from_ns", "to_ns", "session", "model", "agent", "provider", "user")
    return CallFilter(**{name: asked.get(name) for name in names})
