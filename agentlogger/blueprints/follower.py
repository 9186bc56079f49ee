"""One who follows: what is waiting to be sent to it, bounded, and in which words."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import orjson

from agentlogger.limits import TAIL_BYTES
from agentlogger.query.tree import Node
from agentlogger.store.positions import Position
from agentlogger.store.scope import ProjectScope

PIECE_BYTES = 64 * 1024
"""How much is handed to the server at once: it copies and sends it as one chunk."""


@dataclass(frozen=True)
class Event:
    """Something to tell a follower."""

    kind: str
    """open, record, update, gap or end."""
    position: str
    """Where one reads on who has seen it."""
    data: bytes
    """JSON, in one line."""

    def sse(self) -> bytes:
        """As an event of a text/event-stream."""
        head = f"id: {self.position}\nevent: {self.kind}\ndata: ".encode()
        return head + self.data + b"\n\n"

    def line(self) -> bytes:
        """As a line of NDJSON."""
        head = f'{{"event":"{self.kind}","id":"{self.position}","data":'.encode()
        return head + self.data + b"}\n"


@dataclass(frozen=True)
class Piece:
    """Events that are handed on together. Many followers share one: its words are made once."""

    events: Sequence[Event]
    """One at least."""

    @cached_property
    def size(self) -> int:
        """How many bytes of data there are."""
        return sum(len(event.data) for event in self.events)

    @cached_property
    def sse(self) -> bytes:
        """As events of a text/event-stream."""
        return b"".join([event.sse() for event in self.events])

    @cached_property
    def lines(self) -> bytes:
        """As lines of NDJSON."""
        return b"".join([event.line() for event in self.events])


def pieces(events: Iterable[Event]) -> list[Piece]:
    """These events, in pieces of about PIECE_BYTES."""
    found: list[Piece] = []
    some: list[Event] = []
    size = 0
    for event in events:
        some.append(event)
        size += len(event.data)
        if size >= PIECE_BYTES:
            found.append(Piece(some))
            some, size = [], 0
    return [*found, Piece(some)] if some else found


def as_sse(piece: Piece) -> bytes:
    """A piece of a text/event-stream."""
    return piece.sse


def as_lines(piece: Piece) -> bytes:
    """Lines of NDJSON."""
    return piece.lines


def sse_heartbeat(position: str) -> bytes:
    """A comment, and where one is: a browser keeps it, and tells nobody."""
    return f": heartbeat\nid: {position}\n\n".encode()


def line_heartbeat(position: str) -> bytes:
    """A line that says where one is."""
    return f'{{"event":"heartbeat","id":"{position}","data":{{}}}}\n'.encode()


class Follower:
    """A tail that is open: filled by the thread that reads for all, emptied by its own."""

    def __init__(
        self,
        scope: ProjectScope,
        query: Node,
        position: Position,
        link: Callable[[str, str], str],
        connection: socket.socket | None = None,
    ) -> None:
        """`link` makes an address where to read on, of a parameter's name and its value."""
        self.scope = scope
        self.query = query
        self.position = position
        """Where it has been read to."""
        self.link = link
        self.connection = connection
        self.read_at = 0.0
        self.is_live = False
        """Whether it has come up to now once: from then on it is to keep up."""
        self.behind_since: float | None = None
        """Since when it has not: it had no room, or more was stored than is read."""
        self.was_full = False
        """Whether it had no room since then: its client is what is slow."""
        self.sends_since: float | None = None
        self._pieces: deque[Piece] = deque()
        self._size = 0
        self._end: tuple[str, str] | None = None
        self._changed = threading.Condition()

    @property
    def has_room(self) -> bool:
        """Whether it takes more. One reading may take it over its bound."""
        return self._size < TAIL_BYTES

    def deliver(self, some: Sequence[Piece], position: Position) -> None:
        """Have these sent, and be at a position that is behind them."""
        with self._changed:
            self._pieces.extend(some)
            self._size += sum(piece.size for piece in some)
            self.position = position
            if some:
                self._changed.notify_all()

    def end(self, reason: str, sentence: str) -> None:
        """Have it end, behind what is waiting to be sent; the first reason counts."""
        with self._changed:
            self._end = self._end or (reason, sentence)
            self._changed.notify_all()

    def take(self, seconds: float) -> tuple[list[Piece], str, bool]:
        """What there is, waited for so long; where one is behind it; whether that is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._end, seconds)
            taken: list[Piece] = []
            size = 0
            while self._pieces and size < PIECE_BYTES:
                taken.append(self._pieces.popleft())
                size += taken[-1].size
            self._size -= size
            where = taken[-1].events[-1].position if self._pieces else self.position.text()
            if self._end is None or self._pieces:
                return taken, where, False
            reason, sentence = self._end
            last = Event("end", where, orjson.dumps({"reason": reason, "detail": sentence}))
            return [*taken, Piece([last])], where, True

    def let_go(self) -> None:
        """End it for a client that is gone, or takes nothing: its thread is to be free."""
        self.end("gone", "The client is gone.")
        self.shut()

    def shut(self) -> None:
        """Shut its connection: a thread that sends on it wakes up, and nobody waits to close it."""
        if self.connection is not None:
            with suppress(OSError):
                # Of the plain socket: TLS's own would wait for the client.
                socket.socket.shutdown(self.connection, socket.SHUT_RDWR)

    def stalls(self, seconds: float) -> bool:
        """Whether a piece has been on its way to the client for so long."""
        since = self.sends_since
        return since is not None and time.monotonic() - since > seconds


def told(kind: str, position: Position, **data: object) -> Event:
    """An event that says something other than a record."""
    return Event(kind, position.text(), orjson.dumps(data))
