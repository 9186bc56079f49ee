"""Keys of records as bytes: all times, then all ids, each in eight bytes, the highest first."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Key = tuple[int, int]
"""Of a record within its project: its time and its id."""


def packed(keys: Sequence[Key]) -> bytes:
    """The bytes of some keys, in their order."""
    times, ids = zip(*keys, strict=True)
    return struct.pack(f">{2 * len(keys)}q", *times, *ids)


def unpacked(data: bytes) -> list[Key]:
    """The keys in these bytes."""
    numbers = struct.unpack(f">{len(data) // 8}q", data)
    return list(zip(numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :], strict=True))
