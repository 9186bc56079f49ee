"""An answer means it is on disk: no acknowledged record is lost when the server is killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.journeys.sender import NamelessSender, OTLPSender, PlainSender, Sender
from tests.journeys.serving import Server, serving
from tests.journeys.talking import JSON, PROTOBUF, stored_records

ROUNDS = 3
MOST_SECONDS_TO_THE_KILL = 0.4
ANSWER_SECONDS = 60


class Running:
    """The server of the moment: clients look its port up each time they connect."""

    server: Server | None = None

    def port(self) -> int:
        return self.server.port if self.server else 1

    @contextmanager
    def started(self, database_address, instance) -> Iterator[Server]:
        """Start it again on the same database, at the same port where that is still free."""
        port = self.server.port if self.server else None
        with serving(database_address, instance, port=port) as self.server:
            yield self.server


@pytest.fixture
def running() -> Running:
    return Running()


@pytest.fixture
def senders(running: Running) -> Iterator[list[Sender]]:
    """Clients that send from now on, whether there is a server or not."""
    started = [
        OTLPSender(running.port, PROTOBUF),
        NamelessSender(running.port),
        OTLPSender(running.port, JSON),
        PlainSender(running.port),
        PlainSender(running.port),
    ]
    for sender in started:
        sender.start()
    yield started
    for sender in started:
        sender.give_up()


@pytest.mark.long_on("sqlite")
def test_killed_at_any_instant_it_keeps_all_it_acknowledged_and_nothing_twice(
    database_address, tmp_path, running, senders
):
    for _ in range(ROUNDS):
        with running.started(database_address, tmp_path / "instance") as server:
            wait_for_answers(senders)
            time.sleep(random.uniform(0, MOST_SECONDS_TO_THE_KILL))
            server.kill()
    with running.started(database_address, tmp_path / "instance") as server:
        for sender in senders:
            sender.finish()
        stored = Counter(record["body"] for record in stored_records(server))

    assert [fault for sender in senders for fault in sender.faults] == []
    assert all(sender.sent_again >= ROUNDS for sender in senders)
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    assert acknowledged - set(stored) == set()
    # What was on its way at a kill was sent again, the same to the byte, until it was acknowledged:
    # so each record is there, and once.
    assert stored == Counter(acknowledged)


def wait_for_answers(senders: list[Sender]) -> None:
    """Wait until each sender got an answer from the server of this round."""
    before = [len(sender.acknowledged) for sender in senders]
    deadline = time.monotonic() + ANSWER_SECONDS
    while any(
        len(sender.acknowledged) == count for sender, count in zip(senders, before, strict=True)
    ):
        assert time.monotonic() < deadline, [sender.faults for sender in senders]
        time.sleep(0.01)
