"""The page of ingest: who sends, how much, and what became of what was not simply stored."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for

from agentlogger.blueprints.facets import valued
from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.ingest import found
from agentlogger.blueprints.pages.histogram import histogram_of
from agentlogger.blueprints.pages.layout import own_project
from agentlogger.blueprints.senders import write_down
from agentlogger.errors import QueryTooSlow, Refusal
from agentlogger.intake.findings import KINDS
from agentlogger.limits import FACET_VALUES_MAX, FINDINGS_KEPT
from agentlogger.query.refining import Refining, term
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.facets import FacetQuerySchema
from agentlogger.showing import figures
from agentlogger.store import senders

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

HOUR, DAY = "-1h", "-24h"
MINUTES = 60
SENDERS = 50
"""Keys that are listed: a project with more of them rotates, and the last ones matter."""


@dataclass(frozen=True)
class Source:
    """An agent or service, with its records of the last hour and day."""

    name: str
    hour: int
    day: int
    href: str


@dataclass(frozen=True)
class Rates:
    """How many records there are of late, by who sent them."""

    sources: list[Source]
    hour: int
    a_minute: str
    is_sample: bool
    """Whether there are more than were looked at, so that all of these are at least so many."""


@ingest_page.get("/ingest")
@needs("read")
def show() -> str:
    """Who sends to the caller's project, and what was found about what they send, by kind."""
    with suppress(Refusal):
        # What this process has not written yet; the reads below say where the database is away.
        write_down()
    rows = found(kind=None, key=None, limit=len(KINDS) * FINDINGS_KEPT)
    groups = [
        (kind, TITLES[kind], [row for row in rows if row["kind"] == kind], kind in HARMLESS)
        for kind in sorted(KINDS, key=lambda kind: (kind in HARMLESS, KINDS.index(kind)))
    ]
    return render_template(
        "ingest.html",
        groups=[
            (kind, title, its, harmless, sum(row["count"] for row in its))
            for kind, title, its, harmless in groups
            if its
        ],
        lost=sum(row["count"] for row in rows if row["kind"] not in HARMLESS),
        keys=senders.of_project(caller().scope, limit=SENDERS),
        rates=_rates(),
        histogram=histogram_of({"from": DAY, **own_project()}),
    )


def _rates() -> Rates | None:
    """What came of late, by the times of the records; None where counting takes too long."""
    try:
        hour, day = _by_agent(HOUR), _by_agent(DAY)
    except QueryTooSlow:
        return None
    of_hour = {one["value"]: one["records"] for one in hour["items"][0]["values"]}
    everything = Refining("")
    return Rates(
        sources=[
            Source(
                name=one["value"],
                hour=of_hour.get(one["value"], 0),
                day=one["records"],
                href=url_for(
                    "stream.show",
                    q=everything.with_terms(term("agent", one["value"])),
                    **own_project() | {"from": DAY},
                ),
            )
            for one in day["items"][0]["values"]
        ],
        hour=hour["records"],
        a_minute=figures.rate(hour["records"] / MINUTES),
        is_sample=not day["exact"],
    )


def _by_agent(since: str) -> dict[str, Any]:
    asks = {"keys": "agent", "values": str(FACET_VALUES_MAX), "from": since}
    return valued(read_arguments(FacetQuerySchema, asks))
