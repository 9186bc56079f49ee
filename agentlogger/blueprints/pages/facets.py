"""The facets beside the stream: which values its records have, each a click away from the query."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.blueprints.facets import valued
from agentlogger.blueprints.pages import asked
from agentlogger.blueprints.pages.asked import Given
from agentlogger.errors import QueryTooSlow
from agentlogger.intake import times
from agentlogger.query.refining import Refining, negated, term
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.facets import FacetQuerySchema

KEYS = ("level", "agent", "event", "model", "tool", "session", "user")
"""What people look for first; `agent` is the service where no agent is named."""

FILTERS = ("event", "model", "session")
"""Keys that may stand in the address beside the query, too."""

VALUES = 8
"""Of each key: with all of them the column is about as tall as a page of rows."""

STREAM = "stream.show"


@dataclass(frozen=True)
class Value:
    """A value, how many of the records have it, and the ways from here."""

    text: str
    records: int
    share: float
    """In hundredths of the records that were looked at."""
    is_chosen: bool
    href: str
    """With it, or where it is chosen, without it. Empty where the query would be too long."""
    others: str
    """All but it."""


@dataclass(frozen=True)
class Facet:
    """The values of a key."""

    key: str
    values: list[Value]
    more: int
    """Values that are not listed."""
    others: int
    """Records with one of these."""


@dataclass(frozen=True)
class Facets:
    """All of them, and what they are counted of."""

    facets: list[Facet]
    records: int
    since: str
    """What lies before was not looked at; empty where all was."""
    is_timed_out: bool
    """Whether it was the time that was over, and not the number of records that was reached."""
    at: str = ""
    """When they were counted."""
    is_too_slow: bool = False


TOO_SLOW = Facets([], 0, "", is_timed_out=True, is_too_slow=True)


def facets_of(given: Given) -> Facets:
    """The values in what a list with these parameters has. Raises QueryInvalid, QueryTooLarge."""
    wanted = asked.filters(given) | {"keys": ",".join(KEYS), "values": str(VALUES)}
    try:
        found = valued(read_arguments(FacetQuerySchema, wanted))
    except QueryTooSlow:
        return TOO_SLOW
    query = Refining(given.get("q", ""))
    return Facets(
        facets=[
            _facet(item, given, query, found["records"])
            for item in found["items"]
            if item["values"]
        ],
        records=found["records"],
        since="" if found["exact"] else asked.moment(found["since_ns"]),
        is_timed_out=found["sampled"] == "time",
        at=times.to_iso(time.time_ns()),
    )


def _facet(item: Mapping[str, Any], given: Given, query: Refining, records: int) -> Facet:
    key = item["key"]
    return Facet(
        key=key,
        values=[_value(key, one, given, query, records) for one in item["values"]],
        more=item["distinct"] - len(item["values"]),
        others=item["others"],
    )


def _value(
    key: str, found: Mapping[str, Any], given: Given, query: Refining, records: int
) -> Value:
    text, number = found["value"], found["records"]
    asks = term(key, text)
    is_filter = key in FILTERS and given.get(key) == text
    is_term = query.has(asks)
    if is_filter or is_term:
        change = {"q": query.without(asks)} if is_term else {}
        href, others = asked.changed(STREAM, given, change | ({key: ""} if is_filter else {})), ""
    else:
        href = _with(given, query.with_terms(asks))
        others = _with(given, query.with_terms(negated(asks)))
    share = round(100 * number / max(1, records), 2)
    return Value(text, number, share, is_filter or is_term, href, others)


def _with(given: Given, query: str | None) -> str:
    return "" if query is None else asked.changed(STREAM, given, {"q": query})
