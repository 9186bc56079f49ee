"""Clients that ask at a steady pace, half of them sending records and half of them reading.

Clients that ask as fast as they are answered fill the processors, and then every wait is one for a
processor. At a pace that the server bears, a wait is one for what the migration holds.
"""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from bench.clients import HEADERS, HOST
from bench.records import Requests

ANSWER_SECONDS = 120
"""Longer than any lock is waited for: a wait that is cut off would not be seen."""
READ = "/api/v1/logs?limit=20"
SEED = 1_000


@dataclass(frozen=True)
class Asked:
    """One request."""

    begun: float
    """By the monotonic clock, which all processes of a machine share."""
    seconds: float
    sends: bool
    is_ok: bool
    status: int
    """0 where there was no answer."""


class Recorded:
    """What the clients asked, complete once they have ended."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []

    def between(self, begin: float, end: float) -> list[Asked]:
        """What was asked within these moments of the monotonic clock, or was not yet answered."""
        return [one for one in self.requests if one.begun < end and one.begun + one.seconds > begin]


@contextmanager
def pacing(port: int, *, clients: int, pause: float, records: int) -> Iterator[Recorded]:
    """Let clients ask for the length of a block, each `pause` seconds after its last answer."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pipes: list[Connection] = []
    processes = []
    for number in range(clients):
        ours, theirs = context.Pipe()
        made = context.Process(
            target=_ask, args=(theirs, stop, port, number, (pause, records)), daemon=True
        )
        made.start()
        theirs.close()
        pipes.append(ours)
        processes.append(made)
    recorded = Recorded()
    try:
        for pipe in pipes:
            pipe.recv()  # It is connected.
        yield recorded
    finally:
        stop.set()
        for pipe in pipes:
            recorded.requests += pipe.recv()
        for process in processes:
            process.join()


def _ask(pipe: Connection, stop: Event, port: int, number: int, told: tuple[float, int]) -> None:
    pause, records = told
    sends = number % 2 == 0
    requests = Requests(records, seed=SEED + number)
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    _request(connection, requests if sends else None)
    pipe.send("ready")
    asked: list[Asked] = []
    while not stop.wait(pause):
        body = requests if sends else None
        begun = time.monotonic()
        status = _request(connection, body)
        is_ok = status == http.HTTPStatus.OK
        asked.append(Asked(begun, time.monotonic() - begun, sends, is_ok, status))
    connection.close()
    pipe.send(asked)


def _request(connection: http.client.HTTPConnection, requests: Requests | None) -> int:
    try:
        if requests is None:
            connection.request("GET", READ)
        else:
            connection.request("POST", "/v1/logs", requests.next(), HEADERS)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        connection.close()  # The next request opens it again.
        return 0
    return response.status
