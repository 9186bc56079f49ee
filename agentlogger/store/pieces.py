"""Values by pieces, for statements that name each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

PIECE = 1_000
"""How many values one IN has: SQLite takes 32,766 of them, and a request may have more records."""


def pieces(values: Collection[Any]) -> Iterator[list[Any]]:
    """The values in their order, at most `PIECE` of them at once."""
    ordered = sorted(values)
    return (ordered[start : start + PIECE] for start in range(0, len(ordered), PIECE))
