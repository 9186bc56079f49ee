"""Grams: the runs of three and four bytes of a text, by which an index of texts knows it.

A text that has another within it has all of its grams. Texts are folded as queries are, from A to Z
(docs/decisions/0017), in UTF-8, where a part of a text is also a part of its bytes; no language, no
locale and no alphabet is known here. Which rows a gram has is written into every index: whoever
changes anything of it raises VERSION, and all is indexed anew.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable

VERSION = 1

ROWS = 1 << 17
"""Rows that a gram may have. A window of records has about an eighth of them, so that a word of
eight letters that is not there is taken to be in one window of 30,000."""

GRAMS_MOST = 14_000
"""Grams of four bytes after which a window has enough of them; those of three add some more."""

SHORT = 3
LONG = 4
END = b"\0"
"""Between texts, and in none of them: no database of ours holds it."""

ASKED_MOST = 12
"""Rows that are looked at for one run of letters: more of them tell nothing more."""

LOW = 0xFF
MIDDLE = 0xFF00
HIGH = 0xFF0000
THREE = 0xFFFFFF
WORD = 0xFFFFFFFF

# The highest bits of a product with a large odd number depend on all bits of the other.
FOUR = 0x9E3779B1
OTHER = 0x85EBCA6B
PLUS = 0x27D4EB2F
SHIFT = 15


def grams_of(texts: Iterable[str]) -> set[int]:
    """The runs of four bytes in these texts, those at a text's end with a zero behind it.

    By the way of numbers that the interpreter unpacks at once: slices would take three times as
    long.
    """
    data = END.join([text.encode("utf-8", "surrogatepass") for text in texts]).lower() + END * LONG
    found: set[int] = set()
    for begin in range(LONG):
        count = (len(data) - begin) // LONG
        found.update(struct.unpack_from(f"<{count}I", data, begin))
    return found


def rows_of(grams: Collection[int]) -> set[int]:
    """The rows of an index in which these runs are noted, and those of three bytes in them."""
    threes = {
        three
        for three in {gram & THREE for gram in grams}
        if three & LOW and three & MIDDLE and three & HIGH
    }
    # The same as the two functions below, which would double the time that all this takes.
    rows = {
        (gram * FOUR & WORD) >> SHIFT for gram in grams if gram > THREE and gram & THREE in threes
    }
    rows.update([(three * OTHER + PLUS & WORD) >> SHIFT for three in threes])
    return rows


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
    return (gram * FOUR & WORD) >> SHIFT


def _row_of_three(gram: int) -> int:
    return (gram * OTHER + PLUS & WORD) >> SHIFT
