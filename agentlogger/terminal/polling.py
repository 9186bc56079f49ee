"""New records of a server that has no live tail: the search is asked again and again."""

from __future__ import annotations

import time
from dataclasses import replace

from agentlogger.intake import times
from agentlogger.showing.lines import Record
from agentlogger.terminal.records import Asked, newest
from agentlogger.terminal.sources import Source

LATE_NS = 5 * 60 * 10**9
"""Records may come so much later than they happened, in batches and after retries, and are still
found; what comes later still is not."""

ONCE = 1_000
"""Records that are looked at each time."""


class Polling:
    """Looks for what was not there before; the first look finds what is known from then on."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self._source = source
        self._asked = asked
        self._seen: dict[str, int] = {}
        self._began_ns = time.time_ns()

    def look(self) -> list[Record]:
        """The records that were not there before, oldest first. Raises Refused."""
        latest = max(self._seen.values(), default=self._began_ns)
        since = times.to_iso(max(1, min(latest, self._began_ns) - LATE_NS))
        found = newest(self._source, replace(self._asked, since=since), ONCE).records
        fresh = [record for record in reversed(found) if record["id"] not in self._seen]
        self._seen |= {record["id"]: int(record["ts_ns"]) for record in fresh}
        return fresh
