"""JSON as both databases store it: the same text, and the same value back."""

from __future__ import annotations

from typing import Any

import orjson


def serialize(value: Any) -> str:
    """A storable value (see `intake/storable.py`) as JSON text."""
    return orjson.dumps(value).decode()


def deserialize(text: str | bytes | float) -> Any:
    """The value behind JSON text.

    JSONB writes a double such as 1e20 as an integer beyond 64 bits. No such integer is ever stored,
    and orjson reads it as a float, so the double comes back as one. SQLite gives a column declared
    JSON its numeric affinity: a body that is only a number comes back as that number already.
    """
    return orjson.loads(text) if isinstance(text, str | bytes) else text
