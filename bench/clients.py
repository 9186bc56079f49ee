"""Client processes that send as fast as they are answered, each over one kept connection."""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bench.records import Mix, Requests

HOST = "127.0.0.1"
ANSWER_SECONDS = 60
PAUSE_SECONDS = 0.05
"""Before a connection that broke is opened again."""
HEADERS = {"Content-Type": "application/x-protobuf"}


@dataclass(frozen=True)
class Sent:
    """What clients sent in one round, and what became of it."""

    seconds: float
    """From the first request to the last answer."""
    acknowledged: int
    """Records."""
    refused: int
    """Records of requests that were answered with anything but full success."""
    latencies: list[float]
    """Seconds from the first byte of a request to the last of its answer."""


class Clients:
    """Client processes, ready to send. Made by `connected`."""

    def __init__(self, pipes: list[Connection], records: int) -> None:
        self._pipes = pipes
        self._records = records

    def send_for(self, seconds: float, *, every: float = 0.0) -> Sent:
        """Have all of them send for so many seconds, each request answered before the next.

        With `every`, each client sends one in so many seconds. A request's time then counts from
        the moment when it was due: what waits behind a slow answer has waited, too.
        """
        begun = time.monotonic()
        for number, pipe in enumerate(self._pipes):
            # They begin one after the other, as clients do that know nothing of each other.
            pipe.send((begun + seconds, begun + every * number / len(self._pipes), every))
        latencies: list[float] = []
        refused = 0
        for pipe in self._pipes:
            answered, failed = pipe.recv()
            latencies += answered
            refused += failed
        ended = time.monotonic()
        return Sent(
            ended - begun, len(latencies) * self._records, refused * self._records, latencies
        )


@contextmanager
def connected(
    port: int,
    *,
    connections: int,
    records: int,
    mix: Mix = Mix(),  # noqa: B008  (frozen)
) -> Iterator[Clients]:
    """Start a process for each connection, and end them all at the end."""
    # Spawned and not forked: a client must hold nothing of the process that measures it.
    spawning = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes = []
    for number in range(connections):
        ours, theirs = spawning.Pipe()
        process = spawning.Process(
            target=_send_on_command, args=(theirs, port, records, number, mix), daemon=True
        )
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        for pipe in pipes:
            pipe.recv()  # It has made its requests.
        yield Clients(pipes, records)
    finally:
        for pipe in pipes:
            pipe.close()  # Which ends the process behind it.
        for process in processes:
            process.join()


def _send_on_command(pipe: Connection, port: int, records: int, number: int, mix: Mix) -> None:
    requests = Requests(records, seed=number, mix=mix)
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    pipe.send("ready")
    try:
        while True:
            pipe.send(_send_until(*pipe.recv(), connection, requests))
    except EOFError:
        connection.close()


def _send_until(
    end: float,
    due: float,
    every: float,
    connection: http.client.HTTPConnection,
    requests: Requests,
) -> tuple[list[float], int]:
    """The seconds of each request that was answered with success, and how many were not."""
    latencies = []
    refused = 0
    while max(due, time.monotonic()) < end:
        time.sleep(max(0.0, due - time.monotonic()))
        body = requests.next()
        begun = due if every else time.monotonic()
        due += every
        try:
            connection.request("POST", "/v1/logs", body, HEADERS)
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # The next request opens it again.
            refused += 1
            time.sleep(PAUSE_SECONDS)
            continue
        if response.status == http.HTTPStatus.OK and not said:
            latencies.append(time.monotonic() - begun)
        else:
            refused += 1
    return latencies, refused
