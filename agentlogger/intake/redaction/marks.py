"""The mark that stands where a secret stood."""

from __future__ import annotations

import hashlib
import hmac
import re

BEGIN = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}redacted:"
END = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
MARK = re.compile(rf"{BEGIN}[a-z]+(?::[0-9a-f]{{8}})?{END}")

DIGITS = 8
"""Hex digits of the keyed hash: enough to follow one secret among thousands, and far too few to
find it again, even for who has the key."""


def mark(rule: str, secret: str, key: bytes) -> str:
    """The mark of a secret. Equal secrets have equal digits, whichever rule found them."""
    digest = hmac.new(key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{BEGIN}{rule}:{digest.hexdigest()[:DIGITS]}{END}"


def nameless(rule: str) -> str:
    """A mark without digits, for texts that are no data."""
    return f"{BEGIN}{rule}{END}"


def is_mark(text: str) -> bool:
    """Whether a text is a mark and nothing else."""
    return MARK.fullmatch(text) is not None
