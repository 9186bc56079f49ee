"""Bits of windows: a column of them for each window, turned into rows over sixty-four windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentlogger.query.grams import ROWS

WINDOWS = 64
"""Windows of a segment: a row of it is a number of 64 bits."""

ROW_BYTES = WINDOWS // 8

SLICE_ROWS = 128
"""Rows that one row of the database holds: 1 KiB, which PostgreSQL keeps in line."""

SLICE_BYTES = SLICE_ROWS * ROW_BYTES

LANES = 8
ONES = int.from_bytes(b"\1" * (ROWS // LANES), "little")
"""The lowest bit of each byte."""


def column(spread: bytes | bytearray) -> bytes:
    """The bits of a window, of a byte for each row that is 1 or 0."""
    bits = 0
    for lane in range(LANES):
        bits |= int.from_bytes(spread[lane::LANES], "little") << lane
    return bits.to_bytes(ROWS // LANES, "little")


def slices(columns: Sequence[bytes]) -> Iterator[bytes]:
    """The same bits by rows: for each row one for each window; so many rows at once."""
    matrix = bytearray(ROWS * ROW_BYTES)
    for byte in range(ROW_BYTES):
        eight = bytearray(ROWS)
        numbers = [
            int.from_bytes(bits, "little") for bits in columns[byte * LANES : (byte + 1) * LANES]
        ]
        for lane in range(LANES):
            # Of eight windows the bits of every eighth row, each window's at its place in a byte.
            row = sum((number >> lane & ONES) << place for place, number in enumerate(numbers))
            eight[lane::LANES] = row.to_bytes(ROWS // LANES, "little")
        matrix[byte::ROW_BYTES] = eight
    for begin in range(0, len(matrix), SLICE_BYTES):
        yield bytes(matrix[begin : begin + SLICE_BYTES])


def place_in_slices(row: int) -> tuple[int, int]:
    """The number of a row's slice, and the row's first byte in it as SQL counts, from one."""
    return row // SLICE_ROWS, row % SLICE_ROWS * ROW_BYTES + 1


def place_in_column(row: int) -> int:
    """The byte of a row in a column as SQL counts, from one."""
    return row // LANES + 1


def bits_of_column(data: bytes, row: int) -> int:
    """Whether the row is set in that byte, as one or zero."""
    return data[0] >> row % LANES & 1
