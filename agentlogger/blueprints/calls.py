"""The JSON API of calls of models: list them, sum them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from flask_smorest import Blueprint

from agentlogger.blueprints.gate import caller, needs
from agentlogger.schemas.calls import CallPageSchema, CallQuerySchema
from agentlogger.schemas.cursors import decode_cursor, encode_cursor
from agentlogger.schemas.usage import UsageAnswerSchema, UsageQuerySchema
from agentlogger.store import calls as store
from agentlogger.store import usage
from agentlogger.store.calls import CallFilter
from agentlogger.store.logs import Position

calls = Blueprint("calls", __name__, url_prefix="/api/v1", description="Calls of models")


@calls.route("/calls", methods=["GET"])
@calls.arguments(CallQuerySchema, location="query", unknown=None)
@calls.response(
    200,
    CallPageSchema,
    headers={"Link": {"description": "The next page (RFC 8288)", "schema": {"type": "string"}}},
)
@calls.doc(
    summary="List calls of models, newest first",
    description="One item a call, however many records report it.",
)
@needs("read")
def list_calls(asked: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """List calls by filters, a page at a time."""
    given = request.args.to_dict()
    written = {name: text for name, text in given.items() if name not in {"cursor", "limit"}}
    after = Position(*decode_cursor(asked["cursor"], written)) if asked.get("cursor") else None
    limit = asked["limit"]
    rows = store.page(caller().scope, _wanted(asked), after=after, limit=limit + 1)
    if len(rows) <= limit:
        return {"items": rows, "next_cursor": None}, 200, {}
    last = rows[limit - 1]
    cursor = encode_cursor(last["ts_ns"], last["call_id"], written)
    link = f'<{url_for("calls.list_calls")}?{urlencode(given | {"cursor": cursor})}>; rel="next"'
    return {"items": rows[:limit], "next_cursor": cursor}, 200, {"Link": link}


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
