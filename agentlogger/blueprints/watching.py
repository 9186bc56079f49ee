"""The schema watch: which service and version sends which event, with which attributes."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from flask import Flask, current_app
from flask_smorest import Blueprint

from agentlogger.blueprints.gate import caller, needs
from agentlogger.errors import Refusal
from agentlogger.intake.record import Batch
from agentlogger.intake.sightings import Sightings
from agentlogger.schemas.sightings import SightingPageSchema, SightingQuerySchema
from agentlogger.store import sightings as store
from agentlogger.store.appending import Appended
from agentlogger.store.scope import OperatorScope
from agentlogger.store.sightings import SightingFilter

watching = Blueprint("watching", __name__, url_prefix="/api/v1", description="The schema watch")

SEEN = "agentlogger.sightings"
NOTES = OperatorScope("what services of all projects send is noted together")


def init_app(app: Flask) -> None:
    """Let the application remember what it sees until it is written down."""
    app.extensions[SEEN] = Sightings()


def see(batch: Batch, appended: Appended) -> None:
    """Note what records look like that were stored just now."""
    if appended.stored:
        _seen().see(caller().scope.project_id, batch.records)


def write_down(*, everything: bool = False) -> None:
    """Put what this process has seen into the database: what is new, and once a minute the rest.

    Raises DatabaseUnavailable; it is kept then, as far as there is room.
    """
    seen = _seen()
    taken = seen.take(time.time_ns(), everything=everything)
    try:
        store.note(NOTES, taken)
    except Exception:
        seen.give_back(taken)
        raise


@watching.route("/schema-watch", methods=["GET"])
@watching.arguments(SightingQuerySchema, location="query", unknown=None)
@watching.response(200, SightingPageSchema)
@watching.doc(
    summary="Which service and version sends which event, with which attributes",
    description="Each with the number of records and when it was first and last received; "
    "`new_since` asks for what was not there before.",
)
@needs("read")
def watch(asked: dict[str, Any]) -> dict[str, Any]:
    """What was seen in the caller's project, the last seen first."""
    with suppress(Refusal):
        # What this process has not written yet; the read below says where the database is away.
        write_down(everything=True)
    names = ("service", "version", "event", "attribute", "new_since_ns")
    wanted = SightingFilter(**{name: asked.get(name) for name in names})
    found, rest = store.of_project(caller().scope, wanted)
    limit = asked["limit"]
    return {"items": found[:limit], "is_more": len(found) > limit, "left_out": rest}


def _seen() -> Sightings:
    seen: Sightings = current_app.extensions[SEEN]
    return seen
