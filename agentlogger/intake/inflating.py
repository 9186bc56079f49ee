"""Compressed bodies, inflated no further than the limit and one byte.

200 kB of gzip become 200 MB, and 256 bytes of zstd can become 8 MB (both measured).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from agentlogger.errors import BodyTooLarge, BodyUndecodable
from agentlogger.limits import BODY_PLAIN_BYTES

GZIP_FORMAT, ZLIB_FORMAT, RAW_FORMAT = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
INFLATED_PIECE_BYTES = 1024 * 1024
"""So much is inflated at once: zlib takes twice the memory of what it gives."""

HEADER_BYTES = 2
"""So many bytes tell the three formats of zlib apart."""

ZSTD_PIECE_BYTES = 256
"""So much of zstd is given at once, since the library has no limit for what it gives: four bytes
of it can stand for 128 KiB, so this comes to 8 MiB at most."""

ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
"""The largest window that RFC 8878, section 3.1.1.1.2, asks every reader to take."""

ZSTD_HEADER_BYTES = 18
"""The longest header of a frame (RFC 8878, section 3.1.1.1), which may say how much is in it."""
SIZE_UNSAID = -1
"""What the library gives for a frame that does not say it, as a client that streams writes it."""


Grow = Callable[[int], None]
"""Is told how large an inflated body has become; raises where there is no room for it."""


def unbounded(size: int) -> None:
    """Room for any size: the limit alone bounds it."""
    del size


class Inflating(Protocol):
    """A compressed body that comes in pieces."""

    def take(self, piece: bytes) -> None:
        """The next piece of the wire. Raises BodyUndecodable or BodyTooLarge."""

    def whole(self) -> bytes:
        """All of it. Raises BodyUndecodable where the end is missing."""


class Zlib:
    """gzip and deflate.

    gzip and zlib are told apart by their headers, whatever the Content-Encoding says: clients mix
    the two up. Raw deflate has no header; it never begins as the other two do.
    """

    def __init__(self, *, raw_allowed: bool, grow: Grow = unbounded) -> None:
        self._grow = grow
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
            raise _cut_short()
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
                raise _too_large()
            self._grow(self._size)
            self._pieces.append(inflated)
            piece = self._inflate.unconsumed_tail
            # zlib may still hold output back when it has all of the input.
            if self._inflate.eof or (not piece and len(inflated) < most):
                return self._inflate.unused_data


class Zstd:
    """zstd, one frame after the other.

    What a frame says of its size is held against what came of it: the library does so for a frame
    that it is given whole, and takes one in pieces that says 47 bytes and holds none.
    """

    def __init__(self, grow: Grow = unbounded) -> None:
        self._grow = grow
        self._library = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
        self._pieces: list[bytes] = []
        self._size = 0
        self._frame = self._library.decompressobj()
        self._frame_size = 0
        self._header = b""
        self._begun = False

    def take(self, piece: bytes) -> None:
        """The next piece of the wire. Raises BodyUndecodable or BodyTooLarge."""
        for start in range(0, len(piece), ZSTD_PIECE_BYTES):
            part = piece[start : start + ZSTD_PIECE_BYTES]
            while part:
                part = self._go_on(part)

    def whole(self) -> bytes:
        """All of it. Raises BodyUndecodable where the end is missing."""
        if self._begun:
            raise _cut_short()
        return b"".join(self._pieces)

    def _go_on(self, part: bytes) -> bytes:
        """Inflate a part; what of it lies behind the end of its frame."""
        self._header += part[: ZSTD_HEADER_BYTES - len(self._header)]
        try:
            inflated = self._frame.decompress(part)
        except zstandard.ZstdError as fault:
            raise _undecodable(str(fault)) from None
        self._size += len(inflated)
        if self._size > BODY_PLAIN_BYTES:
            raise _too_large()
        self._grow(self._size)
        self._pieces.append(inflated)
        self._frame_size += len(inflated)
        self._begun = not self._frame.eof
        if self._begun:
            return b""
        return self._end_frame()

    def _end_frame(self) -> bytes:
        """Check the size of a frame that has ended; what lies behind it."""
        said = zstandard.frame_content_size(self._header)
        if said not in {SIZE_UNSAID, self._frame_size}:
            raise _undecodable(f"a frame says {said} bytes and holds {self._frame_size}")
        behind = self._frame.unused_data
        self._frame, self._frame_size, self._header = self._library.decompressobj(), 0, b""
        return behind


def _format_of(beginning: bytes) -> int:
    if beginning.startswith(b"\x1f\x8b"):
        return GZIP_FORMAT
    is_zlib = beginning[0] & 0x0F == zlib.DEFLATED and int.from_bytes(beginning[:2]) % 31 == 0
    return ZLIB_FORMAT if is_zlib else RAW_FORMAT


def _undecodable(why: str) -> BodyUndecodable:
    return BodyUndecodable(
        f"The body is not compressed as its Content-Encoding says ({why}): send it uncompressed or "
        "compress it again."
    )


def _cut_short() -> BodyUndecodable:
    return BodyUndecodable(
        "The compressed body ends too early, so nothing of it was stored: send it again, whole."
    )


def _too_large() -> BodyTooLarge:
    return too_large("after inflating", BODY_PLAIN_BYTES)


def too_large(where: str, limit: int) -> BodyTooLarge:
    """The refusal of a body that is over a limit; `where` says which."""
    return BodyTooLarge(
        f"The body is over {limit:,} bytes {where}, so nothing of it was stored: send fewer "
        "records in one request."
    )
