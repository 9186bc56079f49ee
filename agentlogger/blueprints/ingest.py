"""The JSON API of the ingest ledger: why records are missing, twice or changed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask_smorest import Blueprint

from agentlogger.blueprints.accounts import write_down
from agentlogger.blueprints.gate import caller, needs
from agentlogger.errors import Refusal
from agentlogger.intake.findings import fix_for
from agentlogger.schemas.ingest import FindingPageSchema, FindingQuerySchema
from agentlogger.store import ingest as store
from agentlogger.store.rows import Row

ingest = Blueprint("ingest", __name__, url_prefix="/api/v1", description="The ingest ledger")


@ingest.route("/ingest", methods=["GET"])
@ingest.arguments(FindingQuerySchema, location="query", unknown=None)
@ingest.response(200, FindingPageSchema)
@ingest.doc(
    summary="What was refused, came twice, was replaced or went astray",
    description="Of each kind the newest of every key, equal ones counted in one, with what to do.",
)
@needs("read")
def list_findings(asked: dict[str, Any]) -> dict[str, Any]:
    """The findings of the caller's project."""
    return {"items": found(kind=asked.get("kind"), key=asked.get("key"), limit=asked["limit"])}


def found(*, kind: str | None, key: str | None, limit: int) -> list[Row]:
    """The findings of the caller's project, the last first, each with what to do about it."""
    with suppress(Refusal):
        # What this process has not written yet; the read below says where the database is away.
        write_down()
    rows = store.of_project(caller().scope, kind=kind, key=key, limit=limit)
    return [row | {"fix": fix_for(row["code"])} for row in rows]
