"""What a stream that is followed needs: the tail that tells of records, and their rows.

The rows are drawn by the same template as those of the page, so a script adds to the page what is
there already, and knows nothing of what a row says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import wanted_of
from agentlogger.blueprints.pages.rows import row_of
from agentlogger.errors import QueryTooLarge
from agentlogger.limits import SCREEN_RECORDS
from agentlogger.query import parsing
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.live import LiveRowsQuerySchema
from agentlogger.store import logs

live = Blueprint("live", __name__)

FINAL = ("cursor", "to", "order", "as_of")
"""Parameters with which a page holds what there was: nothing that comes belongs there."""

IDENTITIES = ("event", "session", "model", "trace")
LEVELS = {"severity": "", "severity_min": ">="}


@dataclass(frozen=True)
class Live:
    """Where a script learns of new records, and where it gets their rows."""

    tail: str
    rows: str


def live_of(given: Mapping[str, str]) -> Live | None:
    """The two addresses for what a page shows; None where nothing can come to it."""
    if any(name in given for name in FINAL):
        return None
    asked: dict[str, Any] = {"q": tail_query(given), "project": given.get("project", "")}
    filters: dict[str, Any] = dict(given)
    return Live(
        tail=url_for("tail.follow", **{name: text for name, text in asked.items() if text}),
        rows=url_for("live.rows", **filters),
    )


@live.get("/rows")
@needs("read")
def rows() -> str:
    """The rows of these records, as far as they are asked for; or of the newest."""
    given = {name: text for name, text in request.args.items() if text}
    asked = read_arguments(LiveRowsQuerySchema, given)
    wanted, _ = wanted_of(asked)
    scope = caller().scope
    if "ids" in asked:
        found = logs.some(scope, wanted, asked["ids"])
    else:
        found = logs.page(scope, wanted, after=None, limit=SCREEN_RECORDS)
    return render_template("rows.html", rows=[row_of(row) for row in found])


def tail_query(given: Mapping[str, str]) -> str:
    """A query that lets through no less than what the page shows, and hardly more.

    A tail takes a query and no filters. Where the filters cannot be said in it, as beside a text
    that reads as no query, it tells of more: `rows` is asked with all of them.
    """
    own = given.get("q", "")
    try:
        if parsing.read(own).hints:
            return own
        parts = [f"({own})"] if own.strip() else []
        parts += [f"{name}:{_quoted(given[name])}" for name in IDENTITIES if name in given]
        parts += [f"level:{sign}{given[name]}" for name, sign in LEVELS.items() if name in given]
        written = " ".join(parts)
        return own if parsing.read(written).hints else written
    except QueryTooLarge:
        return own


def _quoted(text: str) -> str:
    written = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{written}"'
