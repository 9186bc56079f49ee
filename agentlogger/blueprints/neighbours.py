"""The JSON API of a record's neighbours: what was recorded around it."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import record_of
from agentlogger.errors import QueryInvalid
from agentlogger.schemas.neighbours import WITHIN, NeighbourQuerySchema, NeighboursSchema
from agentlogger.store import logs as store
from agentlogger.store.logs import LogFilter, Position
from agentlogger.store.rows import Row

neighbours = Blueprint("neighbours", __name__, url_prefix="/api/v1", description="Log records")

COLUMNS = {"session": "session_id", "trace": "trace_id"}


@neighbours.route("/logs/<identifier>/neighbours", methods=["GET"])
@neighbours.arguments(NeighbourQuerySchema, location="query", unknown=None)
@neighbours.response(200, NeighboursSchema)
@neighbours.alt_response(404, description="No such record in this project")
@neighbours.doc(
    summary="One record with what was recorded around it",
    description="By the order of the records' keys: time, then the order of the request.",
)
@needs("read")
def list_neighbours(asked: dict[str, Any], identifier: str) -> dict[str, Any]:
    """A record with those before and after it in its session, trace or project."""
    return around(
        record_of(identifier), asked["within"], before=asked["before"], after=asked["after"]
    )


def around(row: Row, wished: str | None, *, before: int, after: int) -> dict[str, Any]:
    """A record with so many before and after it; without a wish in the closest that it has."""
    within = wished or next(
        one for one in WITHIN if one == "project" or row[COLUMNS[one]] is not None
    )
    if within != "project" and row[COLUMNS[within]] is None:
        raise QueryInvalid(f"The record names no {within}: ask for its neighbours in the project.")
    wanted = LogFilter(**({} if within == "project" else {within: row[COLUMNS[within]]}))
    earlier, is_first = _some(row, wanted, before, newest_first=True)
    later, is_last = _some(row, wanted, after, newest_first=False)
    return {
        "within": within,
        "before": earlier[::-1],
        "record": row,
        "after": later,
        "is_first": is_first,
        "is_last": is_last,
    }


def _some(
    row: Row, wanted: LogFilter, number: int, *, newest_first: bool
) -> tuple[list[Row], bool]:
    """So many from the record on, and whether there are no more."""
    place = Position(row["ts_ns"], row["id"])
    rows = store.page(
        caller().scope, wanted, after=place, limit=number + 1, newest_first=newest_first
    )
    return rows[:number], len(rows) <= number
