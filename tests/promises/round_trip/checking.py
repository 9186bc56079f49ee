"""Send a request in one format to both databases, read it back, and compare."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask.testing import FlaskClient

from agentlogger.intake.storable import RULES
from tests.journeys.comparing import exactly
from tests.otlp.exchange import ExportLogsServiceResponse
from tests.promises.round_trip import model
from tests.promises.round_trip.events import FORMATS, MARK, PROTOBUF, Format, Said, in_session

HOST = "127.0.0.1"
OWN = {"id", "received_time"}
"""Fields of a record that differ between two databases: each of them has stored it by itself."""
OWN_TIME = {"time", "ts_ns"}
"""And these, where the record has no time of its own."""


class Door(Protocol):
    """A server on one database."""

    def post(self, path: str, body: bytes, media_type: str) -> tuple[int, bytes]:
        """The status and the body of the answer."""

    def get(self, path: str) -> tuple[int, bytes]:
        """Likewise."""


@dataclass
class InProcess:
    """The application in this process."""

    client: FlaskClient

    def post(self, path: str, body: bytes, media_type: str) -> tuple[int, bytes]:
        response = self.client.post(path, data=body, content_type=media_type)
        return response.status_code, response.data

    def get(self, path: str) -> tuple[int, bytes]:
        response = self.client.get(path)
        return response.status_code, response.data


class OverTheWire:
    """A server in a process of its own, by one kept connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)

    def post(self, path: str, body: bytes, media_type: str) -> tuple[int, bytes]:
        return self._ask("POST", path, body, {"Content-Type": media_type})

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask("GET", path)

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    def _ask(self, *request: Any) -> tuple[int, bytes]:
        try:
            self._connection.request(*request)
        except ConnectionError:
            # The server closes what nobody used for a while.
            self._connection.close()
            self._connection.request(*request)
        response = self._connection.getresponse()
        return response.status, response.read()


def check(said: Said, doors: Mapping[str, Door]) -> int:
    """Check a request in all formats on all databases; return how many records that were.

    Fails with the first difference: from the model, or between the databases.
    """
    count = 0
    for name, format_ in FORMATS.items():
        session = f"round trip {uuid.uuid4().hex}"
        sayable = in_session(format_.sayable(said), session)
        body = format_.write(sayable)
        read = {
            database: _check_one(sayable, session, format_, body, door)
            for database, door in doors.items()
        }
        for one, other in itertools.pairwise(read):
            assert read[one] == read[other], f"{name}: {one} and {other} differ"
        count += len(sayable.events)
    return count


def _whole(item: Mapping[str, Any], door: Door) -> Mapping[str, Any]:
    """The record by itself where its list shows the beginning of it."""
    if not item.get("truncated"):
        return item
    status, answer = door.get(f"/api/v1/logs/{item['id']}")
    assert status == 200, answer
    alone: Mapping[str, Any] = json.loads(answer)
    return alone


def _check_one(said: Said, session: str, format_: Format, body: bytes, door: Door) -> Any:
    """Check a request on one database; return all that another must say and give back alike."""
    expected = model.records(said, format_)
    adjusted: Counter[str] = Counter()
    for each in expected.values():
        adjusted.update(each["adjustments"])
    status, said_back = door.post(format_.path, body, format_.media_type)
    assert status == 200, said_back
    told = _told(format_, said_back, len(expected))
    assert told == (len(expected), model.refused(said, format_), dict(adjusted))
    status, answer = door.get(f"/api/v1/logs?limit=1000&session={session.replace(' ', '%20')}")
    assert status == 200, answer
    items = json.loads(answer)["items"]
    assert len(items) == len(expected)
    found = {item["attributes"][MARK]: _whole(item, door) for item in items}
    for mark, wanted in expected.items():
        item = found[mark]
        for field, given in wanted.items():
            seen = _seen(item, field)
            assert exactly(seen) == exactly(given), f"{field} of {str(said.events[mark])[:2000]}"
    first = items[0]
    status, alone = door.get(f"/api/v1/logs/{first['id']}")
    assert status == 200, alone
    # A record by itself also says which call of a model it reports.
    whole = {name: value for name, value in json.loads(alone).items() if name != "call"}
    assert exactly(whole) == exactly(first)
    return told, {mark: exactly(_alike(item)) for mark, item in found.items()}


def _seen(item: Mapping[str, Any], field: str) -> Any:
    if field == "adjustments":
        return {rule: mark["count"] for rule, mark in (item[field] or {}).items()}
    return item[field]


def _alike(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that are the same on any database."""
    own = OWN | (OWN_TIME if item["ts_source"] == "received" else set())
    return {name: given for name, given in item.items() if name not in own}


def _told(
    format_: Format, answer: bytes, sent: int
) -> tuple[int, list[tuple[int, str]], dict[str, int]]:
    """What an answer says: how many records it has stored, what it refused, which rules it used.

    OTLP does not tell the first: it is what was sent without what was refused.
    """
    if format_.path != "/v1/logs":
        receipt = json.loads(answer)
        rejected = [(each["index"], each["code"]) for each in receipt["rejected"]]
        assert receipt["duplicates"] == 0
        assert receipt["rejected_count"] == len(rejected)
        assert all(each["reason"] for each in receipt["rejected"])
        return receipt["accepted"], rejected, receipt["adjusted"]
    if format_.media_type == PROTOBUF:
        partial = ExportLogsServiceResponse.FromString(answer).partial_success
        rejected_count, message = partial.rejected_log_records, partial.error_message
    else:
        told = json.loads(answer).get("partialSuccess", {})
        rejected_count = int(told.get("rejectedLogRecords", 0))
        message = told.get("errorMessage", "")
    assert rejected_count == 0, message
    adjusted = {
        rule: int(count[1])
        for rule, words in RULES.items()
        if (count := re.search(rf"{re.escape(words)} \((\d+) times\)", message))
    }
    return sent, [], adjusted
