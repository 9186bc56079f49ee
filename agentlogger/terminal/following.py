"""New records as they come in: by the live tail, or by asking again where a server has none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from agentlogger.showing.characters import one_line
from agentlogger.showing.lines import Record
from agentlogger.terminal.console import note
from agentlogger.terminal.polling import Polling
from agentlogger.terminal.records import Asked
from agentlogger.terminal.sources import Refused, Source

PATH = "/api/v1/tail"
NDJSON = "application/x-ndjson"

RECORD, UPDATE = "record", "update"
"""Events of a tail: a record that was stored, and one that was there and has been completed."""

PAUSES_SECONDS = (1.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before asking again: the first while all is well, the others while the source is away."""

NO_TAIL = "It has no live tail: it is asked every second, and what comes 5 minutes late is missed."


class Following:
    """Follows a query, from before a search for what is there already on.

    `begin` is called first, then the search, then `records`: so nothing falls between the two, and
    what both have is shown once.
    """

    def __init__(self, source: Source, asked: Asked) -> None:
        self._source = source
        self._asked = asked
        self._position = ""
        self._polling: Polling | None = None
        self._tries = 0

    def begin(self) -> None:
        """Find out where the tail is now. Raises Refused."""
        try:
            for event in self._events(seconds=0):
                self._position = self._position or event["id"]
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            note(NO_TAIL)
            self._polling = Polling(self._source, self._asked)
            self._polling.look()

    def records(self, known: Iterable[Record]) -> Iterator[Record]:
        """Each record that comes in, for as long as somebody listens. Raises Refused."""
        seen = {record["id"] for record in known}
        for kind, record in self._polled() if self._polling is not None else self._tailed():
            if kind == UPDATE or record["id"] not in seen:
                yield record

    def _tailed(self) -> Iterator[tuple[str, Record]]:
        while True:
            try:
                for event in self._events(after=self._position):
                    self._well()
                    self._position = event["id"]
                    if event["event"] in {RECORD, UPDATE}:
                        yield event["event"], event["data"]
                    else:
                        _heed(event["event"], event["data"])
            except Refused as refused:
                self._wait(refused)

    def _polled(self) -> Iterator[tuple[str, Record]]:
        assert self._polling is not None  # noqa: S101  (`records` asks)
        while True:
            pause(PAUSES_SECONDS[0])
            try:
                found = self._polling.look()
            except Refused as refused:
                self._wait(refused)
                continue
            self._well()
            yield from ((RECORD, record) for record in found)

    def _events(self, **asked: Any) -> Iterator[dict[str, Any]]:
        parameters = {"q": self._asked.query or None, **asked}
        with self._source.lines(PATH, parameters, NDJSON) as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    # The connection has broken within the line.
                    raise Refused(f"{self._source.name} was cut off.") from None
                yield event

    def _wait(self, refused: Refused) -> None:
        """Wait for a source that is away, longer each time. Raises what does not pass."""
        if not refused.is_passing:
            raise refused
        if not self._tries:
            note(f"{refused} Trying again.")
        self._tries += 1
        pause(PAUSES_SECONDS[min(self._tries, len(PAUSES_SECONDS) - 1)])

    def _well(self) -> None:
        if self._tries:
            note("It is there again.")
        self._tries = 0


def _heed(kind: str, data: Mapping[str, Any]) -> None:
    """Say what a tail did not send. Raises Refused where it ends for good."""
    if kind == "end" and data["reason"] == "key":
        raise Refused(str(data["detail"]), status=HTTPStatus.FORBIDDEN, code="key.scope")
    if kind == "gap":
        number = data.get("records")
        many = "Some records" if number is None else f"{number:,} records"
        since = f" since {one_line(str(data['since']))}" if data.get("since") else ""
        reason = one_line(str(data.get("reason")))
        note(f"{many} are not shown here{since} ({reason}): search for them.")


def pause(seconds: float) -> None:
    """Wait before asking again."""
    time.sleep(seconds)
