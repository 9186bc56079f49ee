"""How long a body is waited for: by what has come of it, and only while it is waited for."""

from __future__ import annotations

import threading
import time

import pytest

from agentlogger.errors import BodySlow
from agentlogger.intake import body, patience
from agentlogger.intake.patience import Patience, PatientStream
from agentlogger.limits import BODY_BYTES_A_SECOND, BODY_GRACE_SECONDS, BODY_PIECE_BYTES


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Client:
    """A stream whose pieces take a while each, by the clock."""

    def __init__(self, clock: Clock, pieces: list[tuple[float, bytes]]) -> None:
        self.clock = clock
        self.pieces = iter(pieces)

    def read(self, _size: int, /) -> bytes:
        seconds, piece = next(self.pieces, (0.0, b""))
        self.clock.now += seconds
        return piece


@pytest.fixture
def clock(monkeypatch):
    """The clock of the module under test."""
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    return clock


def read(client: Client, seconds: float = 60) -> bytes:
    return body.read_body(
        PatientStream(client, Patience(seconds)), content_length=None, encoding=""
    )


def test_any_body_may_take_its_grace(clock):
    assert read(Client(clock, [(BODY_GRACE_SECONDS, b"a")])) == b"a"
    with pytest.raises(BodySlow, match="0 bytes in 11 seconds"):
        read(Client(clock, [(BODY_GRACE_SECONDS + 1, b"a")]))


def test_a_body_that_comes_steadily_has_its_whole_time_and_no_more(clock):
    piece = BODY_PIECE_BYTES / BODY_BYTES_A_SECOND, bytes(BODY_PIECE_BYTES)
    steady = [piece] * int(60 / piece[0])

    assert len(read(Client(clock, steady))) == len(steady) * BODY_PIECE_BYTES
    with pytest.raises(BodySlow):
        read(Client(clock, [*steady, piece]))


def test_what_the_server_does_meanwhile_is_not_the_clients_fault(clock):
    stream = PatientStream(Client(clock, [(1, b"a")] * 3), Patience(3))
    for _ in range(3):
        assert stream.read(1) == b"a"
        clock.now += 60
    assert stream.read(1) == b""


def test_who_was_too_slow_once_is_not_waited_for_again(clock):
    stream = PatientStream(Client(clock, [(4, b"a"), (0, b"b")]), Patience(3))
    for _ in range(2):
        with pytest.raises(BodySlow):
            stream.read(1)


def test_a_read_that_was_ended_is_slow_whatever_it_gives(monkeypatch):
    monkeypatch.setattr(patience, "LOOK_EVERY_SECONDS", 0.001)
    ended = threading.Event()

    class Shut(PatientStream):
        def shut(self) -> None:
            ended.set()

    class Waiting:
        def read(self, _size: int, /) -> bytes:
            assert ended.wait(10)
            return b"what had come until then"

    with pytest.raises(BodySlow):
        Shut(Waiting(), Patience(0)).read(1)


def test_a_thread_that_has_nothing_to_look_at_ends_and_the_next_read_has_another(monkeypatch):
    monkeypatch.setattr(patience, "REST_SECONDS", 0.0)
    monkeypatch.setattr(patience, "LOOK_EVERY_SECONDS", 0.001)
    bound = Patience(60)
    stream = PatientStream(Client(Clock(), []), bound)
    for _ in range(2):
        bound.begin(stream, 60)
        thread = bound._thread
        assert thread.is_alive()

        assert bound.end(stream)

        thread.join(60)
        assert not thread.is_alive()
