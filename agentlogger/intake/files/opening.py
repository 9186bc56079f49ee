"""A file as it lies there, perhaps compressed: its lines, none longer than a door would take."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import zstandard

from agentlogger.limits import BODY_PLAIN_BYTES

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""How the two begin."""

HEAD_BYTES = 64 * 1024
"""So much of a file is looked at to find out what it is."""

ZSTD_WINDOW_BYTES = 128 * 1024 * 1024
"""The largest window that the program zstd itself takes: a person's own file, and no request."""

BROKEN = (OSError, EOFError, zlib.error, zstandard.ZstdError)
"""What reading raises where a file breaks off or is not what it began as."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, or a message of a file that has no lines."""

    number: int
    content: bytes
    fault: str = ""
    """Why there is no content."""


class _Begun(io.RawIOBase):
    """A stream of which the beginning has been read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        # What can be read before a break is given before it is told.
        self._read: Callable[[int], bytes] = getattr(rest, "read1", rest.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer)
        found = self._head[: len(room)] or self._read(len(room))
        self._head = self._head[len(room) :]
        room[: len(found)] = found
        return len(found)


def opened(raw: BinaryIO) -> tuple[bytes, io.BufferedReader]:
    """The beginning of an open file's content, and all of it, whatever it is compressed with.

    Raises BROKEN where not even the beginning can be read.
    """
    start = raw.read(len(ZSTD))
    content: Any = _buffered(start, raw)
    if start.startswith(GZIP):
        content = gzip.GzipFile(fileobj=content)
    elif start == ZSTD:
        library = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
        content = library.stream_reader(content, read_across_frames=True)
    head = b""
    try:
        while len(head) < HEAD_BYTES and (piece := content.read1(HEAD_BYTES - len(head))):
            head += piece
    except BROKEN:
        if not head:
            raise
    return head, _buffered(head, content)


def _buffered(head: bytes, rest: BinaryIO) -> io.BufferedReader:
    return io.BufferedReader(_Begun(head, rest), HEAD_BYTES)


def lines(content: io.BufferedReader) -> Iterator[Line]:
    """The lines. What breaks off says so in the last of them."""
    number = 0
    while True:
        number += 1
        try:
            line = content.readline(BODY_PLAIN_BYTES + 1)
            if not line:
                return
            if len(line) > BODY_PLAIN_BYTES:
                while line and not line.endswith(b"\n"):
                    line = content.readline(HEAD_BYTES)
                yield Line(number, b"", f"the line is over {BODY_PLAIN_BYTES:,} bytes")
                continue
        except BROKEN as fault:
            yield Line(number, b"", f"the file breaks off here ({fault})")
            return
        yield Line(number, line.rstrip(b"\r\n"))


def messages(content: io.BufferedReader) -> Iterator[Line]:
    """Messages with their length before them, in four bytes, the largest first."""
    number = 0
    while True:
        number += 1
        try:
            prefix = content.read(4)
            if not prefix:
                return
            size = int.from_bytes(prefix, "big")
            if len(prefix) < 4 or size > BODY_PLAIN_BYTES:  # noqa: PLR2004  (the same four)
                yield Line(number, b"", "the file is no sequence of messages from here on")
                return
            message = content.read(size)
        except BROKEN as fault:
            yield Line(number, b"", f"the file breaks off here ({fault})")
            return
        if len(message) < size:
            yield Line(number, b"", "the file ends within this message")
            return
        yield Line(number, message)
