"""From a figure to the records behind it: the stream, by what the calls have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from agentlogger.blueprints.pages import asked
from agentlogger.blueprints.pages.asked import Given
from agentlogger.blueprints.pages.charts import Group
from agentlogger.blueprints.pages.layout import own_project
from agentlogger.intake import times
from agentlogger.limits import TIME_MAX_NS, TIME_MIN_NS
from agentlogger.query.refining import Refining, term, without_any
from agentlogger.store.clock import DAY_NS
from agentlogger.store.rows import Row

STREAM = "stream.show"


class Ways:
    """Ways from what somebody asks for to its records, and to those of a group of it."""

    def __init__(self, given: Given, wanted: Mapping[str, Any], *, leads: bool = True) -> None:
        """`given` as it stands in the address, `wanted` as a schema has read it."""
        self._given = asked.filters(given)
        self._wanted = wanted
        self._query = Refining(given.get("q", ""))
        self._leads = leads
        """Whether there is a way at all: a query has an end, and a value may not fit into it."""

    def to(self, *terms: str) -> str:
        """The stream with these terms; "" where the query would be too long."""
        query = self._query.with_terms(*terms)
        if query is None or not self._leads:
            return ""
        return asked.changed(STREAM, self._given, {"q": query})

    def of_group(self, by: str, row: Row) -> Ways:
        """The ways to the records of a group."""
        value = row["group"]
        if by == "day":
            begin = max(value, self._wanted.get("from_ns", TIME_MIN_NS))
            end = min(value + DAY_NS, self._wanted.get("to_ns", TIME_MAX_NS))
            span = {"from": asked.moment(begin), "to": asked.moment(end)}
            return Ways({**self._given, **span}, self._wanted)
        asks = without_any(by) if value is None else term(by, value)
        query = self._query.with_terms(asks)
        narrowed = {**self._given, "q": query or ""}
        return Ways(narrowed, self._wanted, leads=self._leads and query is not None)

    def group(self, by: str, row: Row) -> Group:
        """A group with its name, and the way to its records; that of a session is its run."""
        value, href = row["group"], self.of_group(by, row).to()
        if by == "day":
            return Group(times.to_iso(value)[:10], href, row, day_ns=value)
        if by == "session" and value is not None:
            href = url_for("runs_page.run", session=value, **own_project())
        return Group(value or "", href, row)
