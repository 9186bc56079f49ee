"""About how many tokens of a language model a text takes; rather too many than too few."""

from __future__ import annotations

import re
from math import ceil

PIECES = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+)|(?P<digits>[0-9]+)|(?P<blank>[ \t]+)|(?P<end>[\r\n]+)"
    r"|(?P<ascii>[\x21-\x7e])|(?P<other>[^\x00-\x7f]+)|(?P<control>.)",
    re.DOTALL,
)

WORD_CHARACTERS, WORD_LONGEST, LETTERS = 4, 16, 2
"""Characters of a word that make a token, how long words are, and the same of what is none."""

VOWELS = frozenset("aeiouyAEIOUY")
"""What has none of these is no word: a part of an id, of a hash, of base64."""

DIGITS_CHARACTERS = 2
OTHER_BYTES = 2
"""The same of digits, and of what is not ASCII by its bytes. Vocabularies differ by a tenth and
more; docs/decisions/0024-the-terminal-asks-the-api.md says how this was measured."""


def estimate(text: str) -> int:
    """About how many tokens a text takes."""
    return sum(_tokens(match) for match in PIECES.finditer(text))


def _tokens(match: re.Match[str]) -> int:
    text, kind = match[0], match.lastgroup
    if kind == "word":
        if not VOWELS.intersection(text):
            return ceil(len(text) / LETTERS)
        word, rest = len(text[:WORD_LONGEST]), len(text[WORD_LONGEST:])
        return ceil(word / WORD_CHARACTERS) + ceil(rest / LETTERS)
    if kind == "digits":
        return ceil(len(text) / DIGITS_CHARACTERS)
    if kind == "blank":
        # One space belongs to the word behind it.
        return 0 if len(text) == 1 else 1
    if kind == "other":
        return ceil(len(text.encode(errors="replace")) / OTHER_BYTES)
    return 1
