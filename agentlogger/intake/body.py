"""The only reader of request bodies: in pieces, bounded on the wire and after inflating.

`request.get_data()` under a length limit cuts a chunked body and answers as if that were all, and
`gzip.decompress` makes 200 MB of 200 kB (both measured): a test holds every other file away from
the body.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from agentlogger.errors import BodyTooLarge, BodyUndecodable, EncodingUnsupported, Refusal
from agentlogger.limits import BODY_PIECE_BYTES, BODY_PLAIN_BYTES, BODY_WIRE_BYTES, DRAIN_BYTES

PLAIN = {"", "identity"}
GZIP = {"gzip", "x-gzip"}
DEFLATE = "deflate"

GZIP_FORMAT, ZLIB_FORMAT, RAW_FORMAT = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
INFLATED_PIECE_BYTES = 1024 * 1024
"""So much is inflated at once: zlib takes twice the memory of what it gives."""

HEADER_BYTES = 2
"""So many bytes tell the three formats apart."""


class Stream(Protocol):
    """What a WSGI server gives for reading a body."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def read_body(stream: Stream, *, content_length: int | None, encoding: str) -> bytes:
    """The whole body, inflated.

    `content_length` is None for a chunked body; `encoding` is the Content-Encoding header. Raises
    BodyTooLarge, BodyUndecodable (cut short, or not what the encoding says) or EncodingUnsupported.
    What the client is still sending is then read and thrown away, so that it sees the answer.
    """
    wire = _Wire(stream, content_length)
    try:
        return _read(wire, encoding)
    except Refusal:
        wire.drain()
        raise


def discard_body(stream: Stream, *, content_length: int | None) -> None:
    """Throw away a body that is refused unread, so that its sender sees the answer."""
    _Wire(stream, content_length).drain()


def _read(wire: _Wire, encoding: str) -> bytes:
    name = encoding.strip().lower()
    if name in PLAIN:
        return b"".join(wire.pieces())
    if name not in {*GZIP, DEFLATE}:
        raise EncodingUnsupported(
            f"Content-Encoding {encoding[:50]!r} is not read here: send gzip, deflate or none."
        )
    inflated = _Inflated(raw_allowed=name == DEFLATE)
    for piece in wire.pieces():
        inflated.take(piece)
    return inflated.whole()


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
            raise _too_large("on the wire", BODY_WIRE_BYTES)
        while piece := self._next():
            if self._received > BODY_WIRE_BYTES:
                raise _too_large("on the wire", BODY_WIRE_BYTES)
            yield piece
        if self._length is not None and self._received < self._length:
            self._broken = True
            raise BodyUndecodable(
                f"The body ended after {self._received} of {self._length} bytes, so nothing of it "
                "was stored: send it again."
            )

    def drain(self) -> None:
        """Read what is still coming and throw it away, unless it is too much to wait for."""
        left = BODY_WIRE_BYTES + DRAIN_BYTES - self._received
        to_come = 0 if self._length is None else self._length - self._received
        if self._broken or to_come > left:
            return
        with suppress(BodyUndecodable):
            while left > 0 and (piece := self._next()):
                left -= len(piece)

    def _next(self) -> bytes:
        try:
            piece = self._stream.read(BODY_PIECE_BYTES)
        except Exception as fault:
            # Servers raise what they like for a connection that broke or chunks that are none:
            # gunicorn its own exceptions, Werkzeug an HTTP error, the system OSError.
            self._broken = True
            raise BodyUndecodable(
                "The body broke off before its end, so nothing of it was stored: send it again."
            ) from fault
        self._received += len(piece)
        return piece


class _Inflated:
    """A compressed body, inflated no further than the limit and one byte.

    gzip and zlib are told apart by their headers, whatever the Content-Encoding says: clients mix
    the two up. Raw deflate has no header; it never begins as the other two do.
    """

    def __init__(self, *, raw_allowed: bool) -> None:
        self._allowed = {GZIP_FORMAT, ZLIB_FORMAT} | ({RAW_FORMAT} if raw_allowed else set())
        self._pieces: list[bytes] = []
        self._size = 0
        self._header = b""
        self._format = 0
        self._inflate = zlib.decompressobj()

    def take(self, piece: bytes) -> None:
        """The next piece of the wire. Raises BodyUndecodable or BodyTooLarge."""
        while piece:
            if not self._format:
                piece = self._begin(piece)
            elif self._inflate.eof:
                # gzip allows one member after the other, the others nothing behind their end.
                self._allowed &= {GZIP_FORMAT} if self._format == GZIP_FORMAT else set()
                self._format = 0
            else:
                piece = self._go_on(piece)

    def whole(self) -> bytes:
        """All of it. Raises BodyUndecodable where the end is missing."""
        if self._header or (self._format and not self._inflate.eof):
            raise BodyUndecodable(
                "The compressed body ends too early, so nothing of it was stored: send it again, "
                "whole."
            )
        return b"".join(self._pieces)

    def _begin(self, piece: bytes) -> bytes:
        """Find out the format; what is left of the piece, none where its header is incomplete."""
        piece, self._header = self._header + piece, b""
        if len(piece) < HEADER_BYTES:
            self._header = piece
            return b""
        self._format = _format_of(piece)
        if self._format not in self._allowed:
            raise _undecodable("something else stands where it begins or behind its end")
        self._inflate = zlib.decompressobj(self._format)
        return piece

    def _go_on(self, piece: bytes) -> bytes:
        """Inflate a piece; what of it lies behind the end."""
        while True:
            most = min(INFLATED_PIECE_BYTES, BODY_PLAIN_BYTES + 1 - self._size)
            try:
                inflated = self._inflate.decompress(piece, most)
            except zlib.error as fault:
                raise _undecodable(str(fault)) from None
            self._size += len(inflated)
            if self._size > BODY_PLAIN_BYTES:
                raise _too_large("after inflating", BODY_PLAIN_BYTES)
            self._pieces.append(inflated)
            piece = self._inflate.unconsumed_tail
            # zlib may still hold output back when it has all of the input.
            if self._inflate.eof or (not piece and len(inflated) < most):
                return self._inflate.unused_data


def _format_of(beginning: bytes) -> int:
    if beginning.startswith(b"\x1f\x8b"):
        return GZIP_FORMAT
    is_zlib = beginning[0] & 0x0F == zlib.DEFLATED and int.from_bytes(beginning[:2]) % 31 == 0
    return ZLIB_FORMAT if is_zlib else RAW_FORMAT


def _undecodable(why: str) -> BodyUndecodable:
    return BodyUndecodable(
        f"The body is not the gzip or deflate that its Content-Encoding says ({why}): send it "
        "uncompressed or compress it again."
    )


def _too_large(where: str, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is over {limit:,} bytes {where}, so nothing of it was stored: send fewer "
        "records in one request."
    )
