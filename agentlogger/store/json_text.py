"""JSON as both databases store it: the same text, and the same value back."""

from __future__ import annotations

from typing import Any

import orjson

from agentlogger.intake.exact_json import LargeDouble


def serialize(value: Any) -> str:
    """A storable value (see `intake/storable.py`) as JSON text."""
    return dump(value).decode()


def dump(value: Any) -> bytes:
    """The same in UTF-8."""
    return orjson.dumps(value, default=_written_out)


def deserialize(text: str | bytes) -> Any:
    """The value behind JSON text."""
    return orjson.loads(text)


def _written_out(value: Any) -> orjson.Fragment:
    """A large double with all its digits and a point.

    JSONB keeps a number as it was written, but for the exponent: 1e16 would come back as an
    integer, and 1e19 as one that no reader takes.
    """
    if isinstance(value, LargeDouble):
        return orjson.Fragment(f"{value:.1f}")
    raise TypeError(f"{type(value).__name__} is not storable")


class Texts:
    """JSON values as text; what several records share, such as a resource, once.

    They are told apart by where they are in memory: the rows keep them there. `plain` and `json`
    are the places of the values that a row keeps.
    """

    def __init__(self, plain: list[int], json: list[int]) -> None:
        self._plain_places = plain
        self._json_places = json
        self._texts: dict[int, str] = {}

    def row(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row with JSON as text; None is none."""
        values: list[Any] = [row[place] for place in self._plain_places]
        for place in self._json_places:
            value = row[place]
            if value is not None:
                text = self._texts.get(id(value))
                if text is None:
                    text = self._texts[id(value)] = serialize(value)
                value = text
            values.append(value)
        return tuple(values)
