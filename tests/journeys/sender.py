"""A client that sends without pause, keeps account, and sends again what was not acknowledged."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import uuid
from collections.abc import Callable

from tests.journeys.exports import EXPORTS, SUCCESS, nameless_export
from tests.journeys.serving import HOST
from tests.journeys.talking import JSON, PROTOBUF

RECORDS = 5
"""Records a request: few, so that many requests are on their way at any instant."""
AGAIN_EVERY = 5
"""Every so many requests one is sent again though it was acknowledged: answers get lost, too."""
PAUSE_SECONDS = 0.02
FINISH_SECONDS = 60


class Sender(threading.Thread):
    """Sends to the port that `port()` names, until `finish()`, which leaves nothing unsent."""

    def __init__(self, port: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._finishing = threading.Event()
        self._giving_up = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self.acknowledged: set[str] = set()
        self.sent_again = 0
        self.faults: list[str] = []

    def run(self) -> None:
        """Send one request after the other, each until it is answered with success."""
        for number in itertools.count():
            if self._finishing.is_set():
                break
            identifiers = [uuid.uuid4().hex for _ in range(RECORDS)]
            path, media_type, body = self.request(identifiers)
            while not (delivered := self._delivered(path, media_type, body)):
                self.sent_again += 1
                if self._giving_up.wait(PAUSE_SECONDS):
                    break
            if delivered:
                self.acknowledged.update(identifiers)
            if number % AGAIN_EVERY == 0:
                self._delivered(path, media_type, body)
        self._disconnect()

    def finish(self) -> None:
        """Send no new request, and return when the last one is acknowledged."""
        self._finishing.set()
        self.join(FINISH_SECONDS)
        if self.is_alive():
            self.faults.append(f"the last request was not acknowledged in {FINISH_SECONDS} s")
            self.give_up()

    def give_up(self) -> None:
        """Stop, delivered or not; after `finish` this does nothing."""
        self._finishing.set()
        self._giving_up.set()
        self.join()

    def request(self, identifiers: list[str]) -> tuple[str, str, bytes]:
        """The path, type and body that carry records with these identifiers."""
        raise NotImplementedError

    def succeeded(self, body: bytes) -> bool:
        """Whether a 200 with this body acknowledges every record."""
        raise NotImplementedError

    def _delivered(self, path: str, media_type: str, body: bytes) -> bool:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(HOST, self._port(), timeout=10)
            self._connection.request("POST", path, body, {"Content-Type": media_type})
            response = self._connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            self._disconnect()
            return False
        if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return False
        if response.status != http.HTTPStatus.OK or not self.succeeded(said):
            self.faults.append(f"{path} answered {response.status} {said!r}")
        return True

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class OTLPSender(Sender):
    """Sends OTLP, each record with a `log.record.uid`."""

    def __init__(self, port: Callable[[], int], media_type: str) -> None:
        super().__init__(port)
        self._media_type = media_type

    def request(self, identifiers: list[str]) -> tuple[str, str, bytes]:
        """An export."""
        return "/v1/logs", self._media_type, EXPORTS[self._media_type](identifiers)

    def succeeded(self, body: bytes) -> bool:
        """Full success only."""
        return body == SUCCESS[self._media_type]


class NamelessSender(OTLPSender):
    """Sends OTLP whose records have no identity: only its bytes tell a request that comes again."""

    def __init__(self, port: Callable[[], int]) -> None:
        super().__init__(port, PROTOBUF)

    def request(self, identifiers: list[str]) -> tuple[str, str, bytes]:
        """An export of records that have a time, and these bodies."""
        return "/v1/logs", PROTOBUF, nameless_export(identifiers)


class PlainSender(Sender):
    """Sends plain JSON, each record with an id of its own."""

    def request(self, identifiers: list[str]) -> tuple[str, str, bytes]:
        """An array of objects."""
        records = [{"id": identifier, "message": identifier} for identifier in identifiers]
        return "/api/v1/logs", JSON, json.dumps(records).encode()

    def succeeded(self, body: bytes) -> bool:
        """Every record is stored, now or by the same request before."""
        receipt = json.loads(body)
        return receipt["accepted"] + receipt["duplicates"] == RECORDS
