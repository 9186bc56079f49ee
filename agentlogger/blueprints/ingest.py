"""The ingest ledger, for programs and for people: why records are missing, twice or changed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, render_template
from flask_smorest import Blueprint as Described

from agentlogger.blueprints.accounts import write_down
from agentlogger.blueprints.gate import caller, needs
from agentlogger.errors import Refusal
from agentlogger.intake.findings import KINDS, fix_for
from agentlogger.limits import FINDINGS_KEPT
from agentlogger.schemas.ingest import FindingPageSchema, FindingQuerySchema
from agentlogger.store import ingest as store
from agentlogger.store.rows import Row

ingest = Described("ingest", __name__, url_prefix="/api/v1", description="The ingest ledger")
ingest_page = Blueprint("ingest_page", __name__)

TITLES = {
    "refusal": "Refused records",
    "duplicate": "Sent twice, stored once",
    "replacement": "Replaced or cut values",
    "redaction": "Redacted secrets",
    "wrong_door": "Wrong doors",
    "wrong_key": "Keys that may not send",
    "undecodable": "Bodies that could not be read",
    "too_large": "Bodies that were too large",
    "rate_limited": "Sent too fast",
    "busy": "Told to come again",
}
"""What a kind of finding is called on the page."""

HARMLESS = {"duplicate", "replacement", "redaction"}
"""Kinds with which nothing was lost."""


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
    return {"items": _found(kind=asked.get("kind"), key=asked.get("key"), limit=asked["limit"])}


@ingest_page.get("/ingest")
@needs("read")
def show() -> str:
    """The findings of the caller's project, by kind, for people."""
    rows = _found(kind=None, key=None, limit=len(KINDS) * FINDINGS_KEPT)
    groups = [
        (kind, TITLES[kind], [row for row in rows if row["kind"] == kind], kind in HARMLESS)
        for kind in sorted(KINDS, key=lambda kind: (kind in HARMLESS, KINDS.index(kind)))
    ]
    return render_template(
        "ingest.html",
        groups=[group for group in groups if group[2]],
        lost=sum(row["count"] for row in rows if row["kind"] not in HARMLESS),
    )


def _found(*, kind: str | None, key: str | None, limit: int) -> list[Row]:
    with suppress(Refusal):
        # What this process has not written yet; the read below says where the database is away.
        write_down()
    rows = store.of_project(caller().scope, kind=kind, key=key, limit=limit)
    return [row | {"fix": fix_for(row["code"])} for row in rows]
