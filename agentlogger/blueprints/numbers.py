"""The JSON API of numbers: tokens, cost, failures and durations of calls, in all and by group."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import wanted_of
from agentlogger.schemas.numbers import NumbersQuerySchema, NumbersSchema
from agentlogger.store import numbers as store

numbers = Blueprint("numbers", __name__, url_prefix="/api/v1", description="Calls in numbers")


@numbers.route("/numbers", methods=["GET"])
@numbers.arguments(NumbersQuerySchema(), location="query", unknown=None)
@numbers.response(200, NumbersSchema)
@numbers.doc(
    summary="Sum and measure calls of models, or of tools",
    description="Over the records that a list with the same parameters has, each call once. What "
    "was not told is unknown, and never 0.",
)
@needs("read")
def sum_and_measure(asked: dict[str, Any]) -> dict[str, Any]:
    """Calls, failures, tokens, cost, errors and durations, in all and by group."""
    return measured(asked)


def measured(asked: dict[str, Any]) -> dict[str, Any]:
    """Numbers for arguments that NumbersQuerySchema has read.

    Raises QueryTooLarge, QueryTooSlow.
    """
    wanted, hints = wanted_of(asked)
    found = store.of_calls(caller().scope, wanted, asked["by"], limit=asked["limit"])
    return {"by": asked["by"], "total": found.total, "groups": found.groups, "hints": hints}
