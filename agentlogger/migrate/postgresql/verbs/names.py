"""The names that online verbs give to what they make on their way.

They are the same in every run, since a later run finishes what a killed one has begun under them.
"""

from __future__ import annotations

import hashlib

LONGEST = 63
"""Bytes of a name that PostgreSQL keeps; it cuts the rest off without a word."""

DIGITS = 8
"""Of the SHA-256 that stands for what was cut off: two names that begin alike stay two."""


def part_name(name: str, partition: str) -> str:
    """The name of what belongs to an index or constraint `name` on one partition."""
    return _short(f"{partition}_{name}")


def not_null_check(table: str, column: str) -> str:
    """The name of the CHECK by which a column is made NOT NULL; it is dropped afterwards.

    PostgreSQL 18 itself names constraints `TABLE_COLUMN_not_null`.
    """
    return _short(f"{table}_{column}_is_not_null")


def _short(name: str) -> str:
    whole = name.encode()
    if len(whole) <= LONGEST:
        return name
    digest = hashlib.sha256(whole).hexdigest()[:DIGITS]
    kept = whole[: LONGEST - DIGITS - 1].decode(errors="ignore")
    return f"{kept}_{digest}"
