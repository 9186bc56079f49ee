"""A copy of a database, on which revisions may do what they will."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL


@dataclass(frozen=True)
class Copy:
    """Where the copy is, and how it came about."""

    url: URL
    how: str
    """Such as "a clone of the file"."""
    seconds: float
    """What it took."""
    bytes: int
    """The size of the database that was copied."""
    notes: tuple[str, ...] = ()
    kept_as: str = ""
    """What a copy that is kept is called afterwards; "" for one that is dropped."""
