"""Clients that send without pause and note how long each answer took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.journeys.sender import OTLPSender, PlainSender, Sender
from tests.journeys.serving import Server
from tests.journeys.talking import JSON, stored_records

CLIENTS = 8
ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Wait:
    """One request: when it was sent, how long its answer took, and whether it was a success."""

    begun: float
    seconds: float
    succeeded: bool


class MeasuredOTLP(OTLPSender):
    """Sends OTLP/JSON, and notes each wait."""

    def __init__(self, port: Callable[[], int]) -> None:
        super().__init__(port, JSON)
        self.waits: list[Wait] = []

    def _delivered(self, path: str, media_type: str, body: bytes) -> bool:
        return noted(
            self.waits, lambda: super(MeasuredOTLP, self)._delivered(path, media_type, body)
        )


class MeasuredPlain(PlainSender):
    """Sends plain JSON, and notes each wait."""

    def __init__(self, port: Callable[[], int]) -> None:
        super().__init__(port)
        self.waits: list[Wait] = []

    def _delivered(self, path: str, media_type: str, body: bytes) -> bool:
        return noted(
            self.waits, lambda: super(MeasuredPlain, self)._delivered(path, media_type, body)
        )


Client = MeasuredOTLP | MeasuredPlain


def noted(waits: list[Wait], send: Callable[[], bool]) -> bool:
    """Send, and note how long it took."""
    begun = time.monotonic()
    succeeded = send()
    waits.append(Wait(begun, time.monotonic() - begun, succeeded))
    return succeeded


@contextmanager
def clients_of(server: Server, count: int = CLIENTS) -> Iterator[list[Client]]:
    """So many clients that send from now on, half of them OTLP; each has had an answer."""
    started: list[Client] = [
        MeasuredOTLP(lambda: server.port) if n % 2 else MeasuredPlain(lambda: server.port)
        for n in range(count)
    ]
    for client in started:
        client.start()
    try:
        wait_for_an_answer(started)
        yield started
    finally:
        for client in started:
            client.give_up()


def wait_for_an_answer(clients: list[Client], seconds: float = ANSWER_SECONDS) -> None:
    """Return when each client has been answered with success since this was called."""
    began = time.monotonic()
    while any(not answered_since(client, began) for client in clients):
        assert time.monotonic() - began < seconds, [client.waits[-1:] for client in clients]
        time.sleep(0.01)


def answered_since(client: Client, moment: float) -> bool:
    """Whether a request that was sent after that moment has succeeded."""
    return any(wait.begun >= moment and wait.succeeded for wait in client.waits[-3:])


def require_all_kept(server: Server, clients: list[Client]) -> None:
    """Fail where a request failed, or an acknowledged record is not there exactly once."""
    senders: list[Sender] = list(clients)
    for sender in senders:
        sender.finish()
    assert [fault for sender in senders for fault in sender.faults] == []
    assert [wait for client in clients for wait in client.waits if not wait.succeeded] == []
    sent = set().union(*(sender.acknowledged for sender in senders))
    assert Counter(record["body"] for record in stored_records(server)) == Counter(sent)


def worst_milliseconds(clients: list[Client], since: float) -> float:
    """The longest that any client waited for an answer to what it sent since a moment."""
    return 1000 * max(
        wait.seconds for client in clients for wait in client.waits if wait.begun >= since
    )
