"""Whether the server lives, and whether it can work: one word each, to anyone."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from agentlogger import RUNS_AS, __version__
from agentlogger.blueprints.gate import anyone, needs
from agentlogger.errors import Refusal
from agentlogger.migrate import Migrations
from agentlogger.store import health as store
from agentlogger.store.scope import OperatorScope

health = Blueprint("health", __name__)
versions = Blueprint("versions", __name__)

PROBE = OperatorScope("a probe asks whether the server can work")


@health.get("/healthz")
@anyone
def live() -> Response:
    """Answer as long as the process does; no database is asked."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@health.get("/readyz")
@anyone
def ready() -> Response:
    """Answer ok where the database is there and its revision acceptable; the log says why not."""
    migrations: Migrations = current_app.extensions["migrations"]
    try:
        verdict = store.ask(PROBE, migrations.verdict)
        reason = verdict.sentence
    except Refusal as refusal:
        reason = str(refusal)
    if not reason:
        return Response("ok\n", content_type="text/plain; charset=utf-8")
    current_app.logger.warning("Not ready: %s", reason)
    return Response("unready\n", status=503, content_type="text/plain; charset=utf-8")


@versions.get("/version")
@needs("read")
def version() -> Response:
    """The program's version, how it runs, and the revisions it knows as newest."""
    migrations: Migrations = current_app.extensions["migrations"]
    return jsonify(version=__version__, runs_as=RUNS_AS, heads=list(migrations.heads()))
