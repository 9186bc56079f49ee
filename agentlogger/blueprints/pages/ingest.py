"""The page of ingest: who sends, how much, and what became of what was not simply stored."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, url_for

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.ingest import found
from agentlogger.blueprints.pages.histogram import histogram_of
from agentlogger.blueprints.pages.layout import own_project
from agentlogger.blueprints.pages.streaming import streamed
from agentlogger.blueprints.senders import write_down
from agentlogger.errors import QueryTooSlow, Refusal
from agentlogger.intake.findings import KINDS
from agentlogger.limits import FINDINGS_KEPT
from agentlogger.query.refining import Refining, term
from agentlogger.showing import figures
from agentlogger.store import rates, senders
from agentlogger.store.receipts import Count

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

DAY = "-24h"
MINUTE = 60
SPANS = (MINUTE, 5 * MINUTE, 60 * MINUTE)
SPAN_NAMES = ("Last minute", "Last 5 minutes", "Last hour")
"""Times of which it is told how much came in them."""

SENDERS = 50
"""Keys that are listed: a project with more of them rotates, and the last ones matter."""


@dataclass(frozen=True)
class Source:
    """An agent or service, and how many of the newest records are its."""

    name: str
    """Empty for records that name neither."""
    records: int
    href: str


@dataclass(frozen=True)
class Rates:
    """What was received of late, and by whom."""

    spans: list[tuple[str, str, str]]
    """Of each span of time its name, how many records came in it, and how many a minute."""
    sources: list[Source]
    looked_at: int
    """Of how many records it was looked who sent them: of the newest ones."""
    since_ns: int | None
    """When the first of those was received; None where none was, within the hour."""
    today: Count


@ingest_page.get("/ingest")
@needs("read")
def show() -> Response:
    """Who sends to the caller's project, and what was found about what they send, by kind."""
    with suppress(Refusal):
        # What this process has not written yet; the reads below say where the database is away.
        write_down()
    rows = found(kind=None, key=None, limit=len(KINDS) * FINDINGS_KEPT)
    groups = [
        (kind, TITLES[kind], [row for row in rows if row["kind"] == kind], kind in HARMLESS)
        for kind in sorted(KINDS, key=lambda kind: (kind in HARMLESS, KINDS.index(kind)))
    ]
    return streamed(
        "ingest.html",
        groups=[
            (kind, title, its, harmless, sum(row["count"] for row in its))
            for kind, title, its, harmless in groups
            if its
        ],
        lost=sum(row["count"] for row in rows if row["kind"] not in HARMLESS),
        keys=senders.of_project(caller().scope, limit=SENDERS),
        rates=_rates(),
        count=partial(histogram_of, {"from": DAY, **own_project()}),
    )


def _rates() -> Rates | None:
    """What was received of late; None where the database takes too long to tell."""
    try:
        found = rates.of_project(caller().scope, time.time_ns(), SPANS)
    except QueryTooSlow:
        return None
    everything = Refining("")

    def href(agent: str) -> str:
        query = everything.with_terms(term("agent", agent))
        return url_for("stream.show", q=query, **own_project())

    return Rates(
        spans=[
            (name, *_rate(found, seconds)) for seconds, name in zip(SPANS, SPAN_NAMES, strict=True)
        ],
        sources=[
            Source(agent or "", records, href(agent) if agent else "")
            for agent, records in found.agents
        ],
        looked_at=found.looked_at,
        since_ns=found.looked_since_ns,
        today=found.today,
    )


def _rate(found: rates.Rates, seconds: int) -> tuple[str, str]:
    """How many were received in a time, and how many a minute that is."""
    covered = min(seconds, found.covered_seconds)
    number = f"{found.seconds[seconds]:,}"
    a_minute = figures.rate(found.seconds[seconds] * MINUTE / covered)
    if covered < seconds:
        number = f"at least {number}"
    is_told = seconds > MINUTE and found.seconds[seconds]
    return number, f"{a_minute} a minute" if is_told else ""
