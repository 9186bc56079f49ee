"""The page of the schema: where the database is, what migrates it, and who uses it.

It only looks: what changes the schema is a command, so that no browser can. What costs more than a
look, a plan and drift, is tried when a button asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from flask import Blueprint, current_app, render_template
from markupsafe import Markup, escape

from agentlogger.blueprints.gate import needs
from agentlogger.intake import times
from agentlogger.migrate import Migrations
from agentlogger.migrate.backfills.progress import NOBODY
from agentlogger.migrate.causes import Refused
from agentlogger.store import health as store
from agentlogger.store.scope import OperatorScope

schema = Blueprint("schema", __name__)

LOOKS = OperatorScope("an admin looks at the state of the schema")

REFRESH_SECONDS = 5
"""How often the page comes anew while something is at work; a batch of a backfill takes 0.2 s."""

HISTORY_ROWS = 100
"""Rows of the history on the page: years of a program with a release a month."""

STATES = ("running", "pending", "paused", "finished")
"""The states of a backfill, as the page sorts them: what moves comes first."""

PLACES = {
    "behind": "Behind by {pending}",
    "ahead": "Ahead of this program by {ahead}",
    "at head": "At head",
    "empty": "Never migrated",
    "several heads": "The history has several heads",
    "squashed away": "In the middle of squashed revisions",
}


TROUBLES = ("pending", "ahead", "edited", "interrupted", "leftovers", "sum")
"""What of a status an operator looks into, though the program can work."""


@dataclass(frozen=True)
class Verdict:
    """What stands at the top of the page."""

    tone: str
    """good, busy, note or bad."""
    headline: str
    sentence: str


@schema.get("/schema")
@needs("admin", unmigrated=True)
def show() -> str:
    """The state of the schema; raises DatabaseUnavailable where nobody can tell."""
    return _page()


@schema.post("/schema/plan")
@needs("admin", unmigrated=True, forms=True)
def plan() -> str:
    """The same with what an upgrade would do, tried in a scratch database."""
    return _tried("plan", _migrations().plan)


@schema.post("/schema/drift")
@needs("admin", unmigrated=True, forms=True)
def drift() -> str:
    """The same with where the database, its history and the models differ."""
    return _tried("drift", _migrations().drift)


def _tried(name: str, ask: Callable[[], Mapping[str, Any]]) -> str:
    """The page with what a trial came to, or the sentence why it came to nothing."""
    # Before the page is drawn: it shows the state behind the trial, as the trial does.
    found: dict[str, Any]
    try:
        found = {name: ask()}
    except Refused as refused:
        found = {f"{name}_refused": str(refused)}
    return _page(**found)


def _migrations() -> Migrations:
    migrations: Migrations = current_app.extensions["migrations"]
    return migrations


def _page(**tried: Any) -> str:
    migrations = _migrations()

    def look(connection: Any) -> dict[str, Any]:
        state = migrations.state(connection)
        return {
            "status": migrations.status(connection, state),
            "backfills": sorted(
                migrations.backfills(connection), key=lambda one: STATES.index(one.state)
            ),
            "history": state.history[::-1],
        }

    found = store.ask(LOOKS, look)
    status = found["status"]
    at_work = status["lock"] is not None or any(
        one.state == "running" for one in found["backfills"]
    )
    return render_template(
        "schema.html",
        **found | {"history": found["history"][:HISTORY_ROWS]},
        older=max(0, len(found["history"]) - HISTORY_ROWS),
        verdict=verdict_of(status),
        # Who has asked for a trial reads what it came to, and it would be gone.
        refresh_seconds=REFRESH_SECONDS if at_work and not tried else None,
        nobody=NOBODY,
        is_sqlite=status["database"].startswith("sqlite"),
        tried_ns=time.time_ns(),
        **tried,
    )


def verdict_of(status: Mapping[str, Any]) -> Verdict:
    """Where the database is, in a few words, and what is to be done about it, if anything."""
    headline = PLACES[status["place"]].format(
        pending=_count(status["pending"]), ahead=_count(status["ahead"])
    )
    if status["lock"] is not None:
        can = "can work" if status["acceptable"] else "cannot work"
        return Verdict(
            "busy", headline, f"A migration is at work. Meanwhile this program {can} with it."
        )
    if not status["acceptable"]:
        return Verdict("bad", headline, status["sentence"])
    troubled = any(status[name] for name in TROUBLES)
    tone = "note" if troubled else "good"
    return Verdict(tone, headline, f"This program can work with it.{_next(status)}")


def _next(status: Mapping[str, Any]) -> str:
    """What an operator does next with a database that this program can work with."""
    if status["interrupted"]:
        return " A run was killed: `flask db upgrade` goes on from there."
    if status["ahead"]:
        return " It is a newer program's; `flask db rollback-to-code` would take that back."
    if status["phase"] == "contract":
        return " Once no older program is alive: `flask db upgrade --phase contract`."
    if status["pending"]:
        return " What is pending is applied by `flask db upgrade`."
    return ""


def _count(revisions: list[Any]) -> str:
    return "1 revision" if len(revisions) == 1 else f"{len(revisions)} revisions"


@schema.app_template_filter("spoken")
def spoken(sentence: str) -> Markup:
    """A sentence of ours, with its `commands` marked as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(sentence.split("`"))
    ]
    return Markup("").join(parts)


@schema.app_template_filter("moment")
def moment(nanoseconds: int) -> str:
    """A moment in UTC, to the second, for people."""
    return times.to_iso(nanoseconds)[:19].replace("T", " ")


@schema.app_template_filter("iso")
def iso(nanoseconds: int) -> str:
    """A moment for programs, as `<time datetime>` has it."""
    return times.to_iso(nanoseconds)


@schema.app_template_filter("span")
def span(seconds: float) -> str:
    """A length of time in two numbers at most."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004  (a minute)
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004  (an hour)
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004  (two days)
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days"


@schema.app_template_filter("mebibytes")
def mebibytes(size: int) -> str:
    """The size of a file."""
    return f"{size / 2**20:,.1f} MiB"


@schema.app_template_filter("file_name")
def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePath(path).name
