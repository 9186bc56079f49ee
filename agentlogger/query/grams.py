"""Grams: the runs of three and four bytes of a text, by which an index of texts knows it.

A text that has another within it has all of its grams. Texts are folded as queries are, from A to Z
(docs/decisions/0017), in UTF-8, where a part of a text is also a part of its bytes; no language, no
locale and no alphabet is known here. Which rows a gram has is written into every index: whoever
changes anything of it raises VERSION, and all is indexed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

VERSION = 2

ROWS = 1 << 17
"""Rows that a gram may have. A window of records has about an eighth of them, so that a word of
eight letters that is not there is taken to be in one window of 30,000."""

ROWS_MOST = 15_000
"""Rows after which a window has enough of them."""

SHORT = 3
LONG = 4
END = b"\0"
"""Between texts, and in none of them: no database of ours holds it."""

ASKED_MOST = 12
"""Rows that are looked at for one run of letters: more of them tell nothing more."""

Mix = tuple[int, int, int]
"""How a row is made of a gram: what its lower and its upper sixteen bits are multiplied by, and how
many bits of the sum are left away. Each factor has fifteen bits, so that the sum has 32."""

FOURS: Mix = (0x6A5B, 0x5D37, 11)
THREES: Mix = (0x4E2D, 0x7353, 9)
"""Of some that were tried those that spread ids and words over as many rows as chance does."""

HALF = 0xFFFF
THREE = 0xFFFFFF

# Grams are mixed by the thousand: a number whose every 32 bits are one of them. The interpreter
# multiplies, shifts and masks such a number four times as quickly as it does each of them.
BLOCK = 4_096
"""Bytes of text that are mixed at once."""
ONES = int.from_bytes(b"\1\0\0\0" * (BLOCK // LONG), "little")
HALVES = ONES * HALF
EACH_THREE = ONES * THREE
IS_THERE = bytes([0]) + b"\1" * 255
UNPACKED = Struct(f"<{BLOCK // LONG}I").unpack


def mark(texts: Sequence[str], spread: bytearray) -> None:
    """Set the bytes of the rows that the grams of these texts have; that of row 0 in any case."""
    data = END.join([text.encode("utf-8", "surrogatepass") for text in texts]).lower()
    for begin in range(0, len(data), BLOCK):
        block = data[begin : begin + BLOCK + SHORT]
        text = int.from_bytes(block, "little")
        is_there = int.from_bytes(block.translate(IS_THERE), "little")
        # At each byte whether it and those behind it are of one text.
        three = is_there & is_there >> 8 & is_there >> 16
        four = three & is_there >> 24
        for bits in range(0, 8 * LONG, 8):
            grams = text >> bits
            fours = _mixed(grams, HALVES, FOURS) & (four >> bits & ONES) * (ROWS - 1)
            for row in UNPACKED(fours.to_bytes(BLOCK, "little")):
                spread[row] = 1
            threes = _mixed(grams & EACH_THREE, HALVES, THREES)
            threes &= (three >> bits & ONES) * (ROWS - 1)
            for row in UNPACKED(threes.to_bytes(BLOCK, "little")):
                spread[row] = 1


def _mixed(grams: int, half: int, mix: Mix) -> int:
    """The row of each gram in its lowest bits; `half` is the lower half of each."""
    lower, upper, left_away = mix
    return ((grams & half) * lower + (grams >> 16 & half) * upper) >> left_away


def rows_asked(text: str) -> tuple[int, ...]:
    """The rows in which a record is noted that has this in one of its texts, or some of them.

    None where it is shorter than three bytes: any record may have it.
    """
    data = text.encode("utf-8", "surrogatepass").lower()
    fours = [
        _row_of_four(int.from_bytes(data[place : place + LONG], "little"))
        for place in range(len(data) - LONG + 1)
    ]
    if len(fours) > SHORT:
        return tuple(_some(fours))
    threes = [
        _row_of_three(int.from_bytes(data[place : place + SHORT], "little"))
        for place in range(len(data) - SHORT + 1)
    ]
    return tuple(dict.fromkeys(fours + threes))


def _some(rows: list[int]) -> list[int]:
    """So many of them as are asked for, from all over the text."""
    different = list(dict.fromkeys(rows))
    if len(different) <= ASKED_MOST:
        return different
    step = (len(different) - 1) / (ASKED_MOST - 1)
    return [different[round(number * step)] for number in range(ASKED_MOST)]


def _row_of_four(gram: int) -> int:
    return _mixed(gram, HALF, FOURS) % ROWS


def _row_of_three(gram: int) -> int:
    return _mixed(gram, HALF, THREES) % ROWS
