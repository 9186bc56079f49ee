"""New records as they come in, by asking again and again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from agentlogger.intake import times
from agentlogger.terminal.console import note
from agentlogger.terminal.lines import Record
from agentlogger.terminal.records import Asked, newest
from agentlogger.terminal.sources import Refused, Source

PAUSES_SECONDS = (1.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before asking again: the first while all is well, the others while the source is away."""

LATE_NS = 5 * 60 * 10**9
"""Records may come so much later than they happened, in batches and after retries, and are still
shown."""

ONCE = 1_000
"""Records that are looked at each time."""


class Following:
    """Follows a search from the records on that it has found."""

    def __init__(self, source: Source, asked: Asked, known: Iterable[Record]) -> None:
        self._source = source
        self._asked = asked
        self._seen = {record["id"]: int(record["ts_ns"]) for record in known}
        self._began_ns = time.time_ns()

    def records(self) -> Iterator[Record]:
        """Each record that comes in, for as long as somebody listens. Raises Refused."""
        # What lies there already within the time of late ones is known, if not shown.
        self._look()
        tries = 0
        while True:
            pause(PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)])
            try:
                found = self._look()
            except Refused as refused:
                if not refused.is_passing:
                    raise
                if not tries:
                    note(f"{refused} Trying again.")
                tries += 1
                continue
            if tries:
                note("It is there again.")
            tries = 0
            yield from found

    def _look(self) -> list[Record]:
        """The records that were not there before, oldest first."""
        latest = max(self._seen.values(), default=self._began_ns)
        since = times.to_iso(max(1, min(latest, self._began_ns) - LATE_NS))
        found = newest(self._source, replace(self._asked, since=since), ONCE).records
        fresh = [record for record in reversed(found) if record["id"] not in self._seen]
        self._seen |= {record["id"]: int(record["ts_ns"]) for record in fresh}
        return fresh


def pause(seconds: float) -> None:
    """Wait before asking again."""
    time.sleep(seconds)
