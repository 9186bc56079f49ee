"""The only reader of request bodies: in pieces, bounded on the wire and after inflating.

`request.get_data()` under a length limit cuts a chunked body and answers as if that were all, and
`gzip.decompress` makes 200 MB of 200 kB (both measured): a test holds every other file away from
the body.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from agentlogger.errors import BodyTooLarge, BodyUndecodable, EncodingUnsupported
from agentlogger.limits import BODY_PIECE_BYTES, BODY_PLAIN_BYTES, BODY_WIRE_BYTES, DRAIN_BYTES

EITHER_HEADER = zlib.MAX_WBITS | 32
"""zlib recognises gzip's and deflate's header by itself, and clients mix the two up."""


class Stream(Protocol):
    """What a WSGI server gives for reading a body."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def read_body(stream: Stream, *, content_length: int | None, encoding: str) -> bytes:
    """The whole body, inflated.

    `content_length` is None for a chunked body; `encoding` is the Content-Encoding header. Raises
    BodyTooLarge, BodyUndecodable (cut short, or not what the encoding says) or EncodingUnsupported.
    """
    name = encoding.strip().lower()
    if name not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise EncodingUnsupported(
            f"Content-Encoding {encoding[:50]!r} is not read here: send gzip, deflate or none."
        )
    if content_length is not None and content_length > BODY_WIRE_BYTES:
        if content_length <= DRAIN_BYTES:
            _drain(stream)
        raise _too_large("on the wire", BODY_WIRE_BYTES)
    plain = _Plain() if name in {"", "identity"} else _Inflated()
    received = 0
    try:
        while piece := stream.read(BODY_PIECE_BYTES):
            received += len(piece)
            if received > BODY_WIRE_BYTES:
                raise _too_large("on the wire", BODY_WIRE_BYTES)
            plain.take(piece)
    except BodyTooLarge:
        _drain(stream)
        raise
    if content_length is not None and received < content_length:
        raise BodyUndecodable(
            f"The body ended after {received} of {content_length} bytes, so it was not read: "
            "send it again."
        )
    return plain.whole()


class _Plain:
    """A body that comes as it is."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def take(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def whole(self) -> bytes:
        return b"".join(self._pieces)


class _Inflated:
    """A gzip or deflate body, inflated no further than the limit and one byte."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._begun = False
        self._inflate = zlib.decompressobj(EITHER_HEADER)

    def take(self, piece: bytes) -> None:
        while piece:
            if self._inflate.eof:
                # gzip allows one member after the other.
                self._inflate = zlib.decompressobj(EITHER_HEADER)
            self._begun = True
            try:
                inflated = self._inflate.decompress(piece, BODY_PLAIN_BYTES + 1 - self._size)
            except zlib.error as fault:
                raise BodyUndecodable(
                    f"The body is not the gzip or deflate that its Content-Encoding says ({fault}):"
                    " send it uncompressed or compress it again."
                ) from None
            self._size += len(inflated)
            if self._size > BODY_PLAIN_BYTES:
                raise _too_large("after inflating", BODY_PLAIN_BYTES)
            self._pieces.append(inflated)
            piece = self._inflate.unconsumed_tail or self._inflate.unused_data

    def whole(self) -> bytes:
        if self._begun and not self._inflate.eof:
            raise BodyUndecodable(
                "The compressed body ends too early, so it was not read: send it again, whole."
            )
        return b"".join(self._pieces)


def _too_large(where: str, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is over {limit:,} bytes {where}, so nothing of it was read: "
        "send fewer records in one request."
    )


def _drain(stream: Stream) -> None:
    """Read the rest and throw it away, so that a client that is still sending sees the answer."""
    left = DRAIN_BYTES
    while left > 0 and (piece := stream.read(BODY_PIECE_BYTES)):
        left -= len(piece)
