"""A client process: it sends without pause, and again, blindly, what was not acknowledged.

    python -m tests.promises.ingesting.client FOLDER NUMBER

`port` in the folder is where the server listens, looked up before each connection. Each
acknowledged request becomes a line in `ledger-NUMBER`, after its answer and before the next
request. Once there is a file `finish`, the client begins nothing new, and prints what became of all
that it sent. It knows nothing of kills, and only the standard library.
"""

from __future__ import annotations

import http.client
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.intake.exports import Map, Record, Resource, Scope, json_text, protobuf

HOST = "127.0.0.1"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NDJSON = "application/x-ndjson"

RECORDS = 25
"""Records a request."""
LINE = "{:08d}\n"
"""A line of the ledger: the number of an acknowledged request. All are as long as each other."""
AGAIN_EVERY = 10
"""Every so many requests one is sent again though it was acknowledged: answers get lost, too."""
PAUSE_SECONDS = 0.02
ANSWER_SECONDS = 60
FAULTS = 5
DUPLICATE = "X-AgentLogger-Duplicate"

UID = "log.record.uid"


def identifiers(client: int, request: int) -> list[str]:
    """The bodies of a request's records: no two records of a run have the same."""
    return [f"{client}-{request}-{index}" for index in range(RECORDS)]


def _export(names: Sequence[str], *, named: bool) -> list[Resource]:
    now = time.time_ns()
    said = [
        Record(time=now, body=name, attributes=Map([(UID, name)] if named else []))
        for name in names
    ]
    return [Resource(scopes=[Scope(records=said)])]


def _objects(names: Sequence[str], *, named: bool) -> list[dict[str, str]]:
    now = str(time.time_ns())
    return [{"ts_ns": now, "message": name} | ({"id": name} if named else {}) for name in names]


def _lines(names: Sequence[str], *, named: bool) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in _objects(names, named=named))


@dataclass(frozen=True)
class Kind:
    """How a client says its records."""

    path: str
    media_type: str
    write: Callable[[Sequence[str]], bytes]
    named: bool
    """Whether each record has an identity. Where none has, only the bytes of a request tell that it
    comes again."""


def _kinds(*, named: bool) -> list[Kind]:
    return [
        Kind("/v1/logs", PROTOBUF, lambda names: protobuf(_export(names, named=named)), named),
        Kind("/v1/logs", JSON, lambda names: json_text(_export(names, named=named)), named),
        Kind(
            "/api/v1/logs",
            JSON,
            lambda names: json.dumps(_objects(names, named=named)).encode(),
            named,
        ),
        Kind("/api/v1/logs", NDJSON, lambda names: _lines(names, named=named), named),
    ]


KINDS = [*_kinds(named=True), *_kinds(named=False)]
CLIENTS = len(KINDS)


@dataclass
class Account:
    """What became of all that a client sent."""

    acknowledged: int = 0
    """Requests."""
    interrupted: int = 0
    """Requests that were sent more than once before they were acknowledged."""
    recognised: int = 0
    """Of these, requests that were stored at the first try, whose answer was lost."""
    faults: list[str] = field(default_factory=list)
    """Answers that are neither success nor a plea to come again."""


class Client:
    """One connection at a time, to wherever the server is by now."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._kind = KINDS[number]
        self._connection: http.client.HTTPConnection | None = None
        self.account = Account()
        self._repeated = False

    def run(self) -> None:
        """Send until there is `finish`; then all that was begun is acknowledged."""
        finish = self._folder / "finish"
        with (self._folder / f"ledger-{self._number}").open("ab", buffering=0) as ledger:
            for number in itertools.count():
                if finish.exists() or len(self.account.faults) >= FAULTS:
                    return
                names = identifiers(self._number, number)
                body = self._kind.write(names)
                if not self._until_answered(body):
                    continue
                ledger.write(LINE.format(number).encode())
                self.account.acknowledged += 1
                if number % AGAIN_EVERY == 0:
                    # What has identities is known in another order, too; else the bytes must be.
                    named = self._kind.named
                    self._deliver(self._kind.write(names[::-1]) if named else body)

    def _until_answered(self, body: bytes) -> bool:
        """Send the same until it is answered; whether the answer is success."""
        for tries in itertools.count():
            succeeded = self._deliver(body)
            if succeeded is not None:
                self.account.interrupted += tries > 0
                self.account.recognised += tries > 0 and self._repeated
                return succeeded
            time.sleep(PAUSE_SECONDS)
        raise AssertionError

    def _deliver(self, body: bytes) -> bool | None:
        """Whether the answer is success; None where it did not come, or was to come again."""
        try:
            if self._connection is None:
                port = int((self._folder / "port").read_text())
                self._connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
            headers = {"Content-Type": self._kind.media_type}
            self._connection.request("POST", self._kind.path, body, headers)
            response = self._connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None
        if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        self._repeated = response.headers[DUPLICATE] == "true"
        if response.status == http.HTTPStatus.OK and self._is_success(said):
            return True
        self.account.faults.append(f"{self._kind.path}: {response.status} {said[:300]!r}")
        return False

    def _is_success(self, said: bytes) -> bool:
        if self._kind.path == "/v1/logs":
            return said == (b"" if self._kind.media_type == PROTOBUF else b"{}")
        receipt = json.loads(said)
        self._repeated = self._repeated or receipt["duplicates"] == RECORDS
        # What was sent is what was stored and what was known.
        return bool(receipt["accepted"] + receipt["duplicates"] == RECORDS)


def main(arguments: Sequence[str]) -> None:
    """Send, then print the account as JSON."""
    folder, number = arguments
    client = Client(Path(folder), int(number))
    client.run()
    print(json.dumps(asdict(client.account)))


if __name__ == "__main__":
    main(sys.argv[1:])
