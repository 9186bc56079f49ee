"""Log text made harmless wherever people read it, and visibly so: it may move and hide nothing."""

from __future__ import annotations

import re

HOSTILE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: what terminals obey
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # fillers, which show nothing
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi: what follows is shown elsewhere
    "\u070f\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb"  # invisible
    "\u2028\u2029"  # ends of lines and paragraphs
    "\ufe00-\ufe0d\U000e0000-\U000e0fff"  # tags and selectors, in which whole texts were hidden
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # formats of scripts
    "\ud800-\udfff"  # lone surrogates, which no terminal is sent
    "]"
)
"""Characters that a terminal obeys, or that change or hide what stands beside them, on a page too.

Unicode's controls (Cc), formats (Cf), separators of lines (Zl, Zp) and default ignorables. Left as
they are: the selectors of emoji (U+FE0E, U+FE0F), and the Arabic signs of numbers, which are seen.
"""

BLANKS = re.compile(r"(?:[ \t]*\r?\n)+[ \t]*|[ \t]+")
RETURN = "↵"


def visible(text: str) -> str:
    r"""The text with each such character written out: `\x1b`, `\u202e`, `\U000e0041`."""
    return HOSTILE.sub(lambda match: written(match[0]), text)


def on_one_line(text: str) -> str:
    """The text with ends of lines as signs and blanks as one space, else as it was sent."""
    return BLANKS.sub(_blank, text.strip(" \t\n"))


def one_line(text: str) -> str:
    """The text as one line: an end of line is a sign, blanks are one space."""
    return visible(on_one_line(text))


def written(character: str) -> str:
    """A character written out."""
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _blank(match: re.Match[str]) -> str:
    return f" {RETURN} " if "\n" in match[0] else " "
