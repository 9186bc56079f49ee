"""The body of the current request, by the one bounded reader."""

from __future__ import annotations

import sys

from flask import g, request

from agentlogger.blueprints import accounts
from agentlogger.intake import body
from agentlogger.intake.body import Stream
from agentlogger.intake.budget import Hold
from agentlogger.limits import DECODED_FACTOR, INGEST_WAIT_SECONDS

NO_LIMIT = sys.maxsize
"""Flask's own limit would cut a chunked body and say nothing; ours is the reader's. None would not
lift it: Flask then takes the application's, which is for forms."""


def incoming_body() -> bytes:
    """The request's whole body, inflated, within the memory that the request was given.

    Raises what `read_body` raises, and Full where there is no room for what is made of it.
    """
    request.max_content_length = NO_LIMIT
    counted = _Counted(request.stream)
    hold: Hold = g.agentlogger_hold
    try:
        whole = body.read_body(
            counted,
            content_length=request.content_length,
            encoding=request.headers.get("Content-Encoding", ""),
            grow=hold.grow_to,
        )
    finally:
        g.agentlogger_wire_bytes = counted.size
        accounts.count_bytes(counted.size)
    hold.grow_to(len(whole) * DECODED_FACTOR, wait=INGEST_WAIT_SECONDS)
    return whole


class _Counted:
    """A stream that knows how much was read of it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        piece = self._stream.read(size)
        self.size += len(piece)
        return piece


def discard_body(most: int | None = None) -> None:
    """Throw the request's body away, before it is refused for another reason.

    One of more than `most` bytes is not read to its end, where that is said.

    A server that closes the connection on a client in the middle of sending takes the answer from
    it: gunicorn itself waits for no more than 64 KiB.
    """
    request.max_content_length = NO_LIMIT
    body.discard_body(request.stream, content_length=request.content_length, most=most)


def content_type() -> str:
    """The media type without its parameters, in lower case."""
    return request.mimetype
