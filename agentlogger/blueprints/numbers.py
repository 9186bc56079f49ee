"""The JSON API of numbers: tokens, cost, failures and durations of calls, in all and by group."""

from __future__ import annotations

import time
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from agentlogger.blueprints.export import STREAMS, page_limit, streamed, wanted_format
from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import wanted_of
from agentlogger.errors import QueryTooLarge
from agentlogger.limits import GROUPS_STREAMED
from agentlogger.schemas.export import Lines, Shape
from agentlogger.schemas.numbers import GroupSchema, NumbersQuerySchema, NumbersSchema
from agentlogger.store import numbers as store
from agentlogger.store.logs import Piece, Position

GROUP = GroupSchema()
GROUP_SHAPE = Shape(GroupSchema)

THE_END = Position(0, 0)
"""Where a stream of groups has ended: it is of one piece."""

numbers = Blueprint("numbers", __name__, url_prefix="/api/v1", description="Calls in numbers")


@numbers.route("/numbers", methods=["GET"])
@numbers.arguments(NumbersQuerySchema(), location="query", unknown=None)
@numbers.response(200, NumbersSchema)
@numbers.doc(
    summary="Sum and measure calls of models, or of tools",
    description="Over the records that a list with the same parameters has, each call once. What "
    "was not told is unknown, and never 0. With `format`, or the header Accept, the groups alone "
    "as a stream of application/x-ndjson or text/csv.",
    **STREAMS,
)
@needs("read")
def sum_and_measure(asked: dict[str, Any]) -> Response | dict[str, Any]:
    """Calls, failures, tokens, cost, errors and durations, in all and by group."""
    named = wanted_format(asked["format"])
    return measured(asked) if named == "json" else _stream_of(asked, named)


def measured(asked: dict[str, Any]) -> dict[str, Any]:
    """Numbers for arguments that NumbersQuerySchema has read.

    Raises QueryTooLarge, QueryTooSlow.
    """
    wanted, hints = wanted_of(asked)
    limit = page_limit(asked["limit"])
    found = store.of_calls(caller().scope, wanted, asked["by"], limit=limit)
    return {"by": asked["by"], "total": found.total, "groups": found.groups, "hints": hints}


def _stream_of(asked: dict[str, Any], named: str) -> Response:
    """All groups, or as many as `limit` says. Raises QueryTooLarge, QueryTooSlow."""
    as_of_ns = time.time_ns()
    (wanted, hints), limit = wanted_of(asked), asked["limit"]
    found = store.of_calls(caller().scope, wanted, asked["by"], limit=limit or GROUPS_STREAMED + 1)
    if len(found.groups) > GROUPS_STREAMED:
        raise QueryTooLarge(
            f"There are more than {GROUPS_STREAMED:,} groups, which are summed at once: ask for a "
            "shorter time or by something else, or say by `limit` how many."
        )
    rest = (found.total["calls"] or 0) - sum(row["calls"] for row in found.groups)
    if rest:
        hints = [*hints, f"{rest:,} calls are of other groups, which `limit` has left out."]

    def walk(lines: Lines, _: Position | None, __: int | None) -> Piece:
        written = [lines.fields(GROUP.dump(row)) for row in found.groups]
        return Piece(b"".join(written), len(written), THE_END, more=False)

    return streamed(
        named,
        GROUP_SHAPE,
        walk,
        after=None,
        limit=None,
        as_of_ns=as_of_ns,
        cursor=lambda _: "",
        hints=hints,
    )
