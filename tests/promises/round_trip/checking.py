"""Send a request in one format to both databases, read it back, and compare."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from flask.testing import FlaskClient

from agentlogger.intake.storable import RULES
from agentlogger.limits import PAGE_RECORDS_MAX, REASONS
from tests.otlp.exchange import ExportLogsServiceResponse
from tests.promises.round_trip import model
from tests.promises.round_trip.events import FORMATS, MARK, PROTOBUF, Format, Said, in_session

HOST = "127.0.0.1"
ALONE = 4
"""Records of each request that are also read by themselves."""
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
    """A server in a process of its own; any number of threads may ask at once."""

    def __init__(self, port: int) -> None:
        self._port = port

    def post(self, path: str, body: bytes, media_type: str) -> tuple[int, bytes]:
        return self._ask("POST", path, body, {"Content-Type": media_type})

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask("GET", path)

    def _ask(self, *request: Any) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection(HOST, self._port, timeout=60)) as connection:
            connection.request(*request)
            response = connection.getresponse()
            return response.status, response.read()


def check(request: Sequence[Said], doors: Mapping[str, Door]) -> int:
    """Check a request in all formats on all databases; return how many records that were.

    Fails with the first difference: from the model, or between the databases.
    """
    count = 0
    for name, format_ in FORMATS.items():
        session = f"round trip {uuid.uuid4().hex}"
        sayable = [in_session(format_.sayable(said), session) for said in request]
        expected = model.records(sayable, format_)
        sent = Sent(sayable, session, format_, format_.write(sayable), expected)
        # Servers work at the same time, while this process has nothing to do.
        with ThreadPoolExecutor(len(doors)) as pool:
            read = dict(
                zip(doors, pool.map(partial(_check_one, sent), doors.values()), strict=True)
            )
        for one, other in itertools.pairwise(read):
            assert read[one] == read[other], f"{name}: {one} and {other} differ"
        count += len(expected)
    return count


@dataclass(frozen=True)
class Sent:
    """A request in one format."""

    parts: Sequence[Said]
    session: str
    format: Format
    body: bytes
    expected: Mapping[int, Mapping[str, Any]]
    """What must come back of each event, by its mark."""

    def event(self, mark: int) -> str:
        """The event as it was sent, for who reads of a failure."""
        (found,) = (
            event
            for said in self.parts
            for event in said.events
            if dict(event.attributes)[MARK] == mark
        )
        return str(found)[:2000]


def _whole(item: Mapping[str, Any], door: Door) -> Mapping[str, Any]:
    """The record by itself where its list shows the beginning of it."""
    return _alone(item, door) if item.get("truncated") else item


def _alone(item: Mapping[str, Any], door: Door) -> Mapping[str, Any]:
    status, answer = door.get(f"/api/v1/logs/{item['id']}")
    assert status == 200, answer
    alone: Mapping[str, Any] = json.loads(answer)
    return alone


def _check_one(sent: Sent, door: Door) -> Any:
    """Check a request on one database; return all that another must say and give back alike."""
    expected = sent.expected
    adjusted: Counter[str] = Counter()
    for each in expected.values():
        adjusted.update(each["adjustments"])
    status, said_back = door.post(sent.format.path, sent.body, sent.format.media_type)
    assert status == 200, said_back
    told = _told(sent.format, said_back, len(expected))
    refused = model.refused(sent.parts, sent.format)
    assert told == (len(expected), len(refused), refused[:REASONS], dict(adjusted))
    session = sent.session.replace(" ", "%20")
    status, answer = door.get(f"/api/v1/logs?limit={PAGE_RECORDS_MAX}&session={session}")
    assert status == 200, answer
    items = json.loads(answer)["items"]
    assert len(items) == len(expected)
    found = {item["attributes"][MARK]: _whole(item, door) for item in items}
    for mark, wanted in expected.items():
        seen = {field: _seen(found[mark], field) for field in wanted}
        if _exactly(seen) != _exactly(wanted):
            fields = [field for field in wanted if _exactly(seen[field]) != _exactly(wanted[field])]
            raise AssertionError(f"{fields} of {sent.event(mark)}")
    for first in items[:: len(items) // ALONE + 1]:
        # A record by itself also says which call of a model it reports.
        whole = {name: value for name, value in _alone(first, door).items() if name != "call"}
        assert _exactly(whole) == _exactly(first)
    return told, {mark: _exactly(_alike(item)) for mark, item in found.items()}


def _exactly(value: Any) -> str:
    """A value that equals another only in type, too: to Python 1, 1.0 and True are equal.

    Of a double, its shortest text tells every bit, and minus zero from zero.
    """
    return json.dumps(value, sort_keys=True)


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
) -> tuple[int, int, list[tuple[int, str]], dict[str, int]]:
    """What an answer says: how many records it has stored and refused, why, which rules it used.

    OTLP does not tell the first: it is what was sent without what was refused.
    """
    if format_.path != "/v1/logs":
        receipt = json.loads(answer)
        rejected = [(each["index"], each["code"]) for each in receipt["rejected"]]
        assert receipt["duplicates"] == 0
        assert all(each["reason"] for each in receipt["rejected"])
        return receipt["accepted"], receipt["rejected_count"], rejected, receipt["adjusted"]
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
    return sent, 0, [], adjusted
