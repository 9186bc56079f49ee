"""What makes a line of a file the same as another, where it has no id: importing twice stores once.

A line is known by its digest and by how many equal lines stand before it in its file, so that of
equal lines each is stored, and none twice. Neither the file's name nor its place counts: it may be
moved, compressed or longer the next time.
"""

from __future__ import annotations

import hashlib
import mmap

FILTER_BITS = 1 << 29
"""Bits that remember which lines there were, 64 MiB, taken as they are needed: of 50 million lines
one in a hundred is then thought to have been there though it was not."""

PROBES = 4
COUNTERS = 1 << 22
"""Counters of equal lines, 16 MiB; lines may share one, and still none gets a number twice."""


class EqualLines:
    """Names the lines of one file, in memory that does not grow with it.

    A name follows from what stands before the line alone. A line that only seems to have been there
    is numbered as if it had: each name stays its own, in every repetition.
    """

    def __init__(self) -> None:
        # The system gives zeros, and memory only for what is touched: most files are short.
        self._seen = mmap.mmap(-1, FILTER_BITS // 8)
        self._counts = memoryview(mmap.mmap(-1, 4 * COUNTERS)).cast("I")

    def name(self, content: bytes) -> str:
        """The identity of the next line, 32 hex digits and its number among equal ones."""
        digest = hashlib.sha256(content).digest()
        number = 0
        if self._was_there(digest):
            place = int.from_bytes(digest[16:20]) % COUNTERS
            self._counts[place] += 1
            number = self._counts[place]
        return f"{digest[:16].hex()}-{number}"

    def _was_there(self, digest: bytes) -> bool:
        """Whether a line was there, or seems so; from now on it was."""
        was_there = True
        for probe in range(0, 4 * PROBES, 4):
            bit = int.from_bytes(digest[probe : probe + 4]) % FILTER_BITS
            mask = 1 << (bit & 7)
            if not self._seen[bit >> 3] & mask:
                was_there = False
                self._seen[bit >> 3] |= mask
        return was_there
