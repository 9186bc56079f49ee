"""The only reader of request bodies: in pieces, bounded on the wire and after inflating.

`request.get_data()` under a length limit cuts a chunked body and answers as if that were all, and
`gzip.decompress` makes 200 MB of 200 kB (both measured): a test holds every other file away from
the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from agentlogger.errors import BodySlow, BodyUndecodable, EncodingUnsupported, Refusal
from agentlogger.intake.inflating import Grow, Inflating, Zlib, Zstd, too_large, unbounded
from agentlogger.limits import BODY_PIECE_BYTES, BODY_WIRE_BYTES, DRAIN_BYTES

PLAIN = {"", "identity"}
GZIP = {"gzip", "x-gzip"}
DEFLATE = "deflate"
ZSTD = "zstd"


class Stream(Protocol):
    """What a WSGI server gives for reading a body."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def read_body(
    stream: Stream, *, content_length: int | None, encoding: str, grow: Grow = unbounded
) -> bytes:
    """The whole body, inflated.

    `content_length` is None for a chunked body; `encoding` is the Content-Encoding header. `grow`
    is told how large the body has become, and may raise where there is no room for it. Raises
    BodyTooLarge, BodyUndecodable (cut short, or not what the encoding says) or EncodingUnsupported.
    What the client is still sending is then read and thrown away, so that it sees the answer.
    """
    wire = _Wire(stream, content_length)
    try:
        return _read(wire, encoding, grow)
    except Refusal:
        wire.drain()
        raise


def discard_body(stream: Stream, *, content_length: int | None, most: int | None = None) -> None:
    """Throw away a body that is refused unread, so that its sender sees the answer.

    It is left where it is said to have more than `most` bytes, and read no further than these: of
    a body that is too large twice the limit, where nothing else is said.
    """
    _Wire(stream, content_length).drain(most)


def _read(wire: _Wire, encoding: str, grow: Grow) -> bytes:
    name = encoding.strip().lower()
    if name in PLAIN:
        return b"".join(_growing(wire.pieces(), grow))
    if name not in {*GZIP, DEFLATE, ZSTD}:
        raise EncodingUnsupported(
            f"Content-Encoding {encoding[:50]!r} is not read here: send gzip, deflate, zstd or "
            "none."
        )
    inflated: Inflating = (
        Zstd(grow) if name == ZSTD else Zlib(raw_allowed=name == DEFLATE, grow=grow)
    )
    for piece in wire.pieces():
        inflated.take(piece)
    return inflated.whole()


def _growing(pieces: Iterator[bytes], grow: Grow) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        grow(size)
        yield piece


class _Wire:
    """A body as it comes from the client: counted, and no more of it than the limit."""

    def __init__(self, stream: Stream, content_length: int | None) -> None:
        self._stream = stream
        self._length = content_length
        self._received = 0
        self._broken = False

    def pieces(self) -> Iterator[bytes]:
        """The body in pieces. Raises BodyTooLarge, or BodyUndecodable where it breaks off."""
        if self._length is not None and self._length > BODY_WIRE_BYTES:
            raise too_large("on the wire", BODY_WIRE_BYTES)
        while piece := self._next():
            if self._received > BODY_WIRE_BYTES:
                raise too_large("on the wire", BODY_WIRE_BYTES)
            yield piece
        if self._length is not None and self._received < self._length:
            self._broken = True
            raise BodyUndecodable(
                f"The body ended after {self._received} of {self._length} bytes, so nothing of it "
                "was stored: send it again."
            )

    def drain(self, most: int | None = None) -> None:
        """Read what is still coming and throw it away, unless it is too much to wait for."""
        left = (BODY_WIRE_BYTES + DRAIN_BYTES if most is None else most) - self._received
        to_come = 0 if self._length is None else self._length - self._received
        if self._broken or to_come > left:
            return
        with suppress(BodyUndecodable, BodySlow):
            while left > 0 and (piece := self._next()):
                left -= len(piece)

    def _next(self) -> bytes:
        try:
            piece = self._stream.read(BODY_PIECE_BYTES)
        except BodySlow:
            self._broken = True
            raise
        except Exception as fault:
            # Servers raise what they like for a connection that broke or chunks that are none:
            # gunicorn its own exceptions, Werkzeug an HTTP error, the system OSError.
            self._broken = True
            raise BodyUndecodable(
                "The body broke off before its end, so nothing of it was stored: send it again."
            ) from fault
        self._received += len(piece)
        return piece
