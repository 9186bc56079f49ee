"""A point in time, as a parameter of a read and as a field of an answer."""

from __future__ import annotations

import re
import time
from typing import Any

from marshmallow import ValidationError, fields

from agentlogger.intake import times

RELATIVE = re.compile(r"-(\d{1,6})(s|m|h|d|w)")
DIGITS_MAX = 19
"""A signed 64-bit integer has no more digits."""
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_moment(text: str) -> int | None:
    """ISO 8601, nanoseconds since 1970, `now`, or before now such as `-15m`; None for else."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
        moment: int | None = int(text)
    elif text == "now":
        moment = time.time_ns()
    elif match := RELATIVE.fullmatch(text):
        moment = time.time_ns() - int(match[1]) * SECONDS[match[2]] * 10**9
    else:
        # In an address a plus sign is a space; the zone of 2026-11-22T10:00:00+01:00 has one.
        moment = times.from_iso(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
    return moment if moment is not None and times.in_range(moment) else None


class Moment(fields.Field[int]):
    """Nanoseconds inside, ISO 8601 or a relative time outside."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        moment = parse_moment(str(value))
        if moment is None:
            raise ValidationError(
                "A time is written as 2026-11-22T10:00:00Z, as nanoseconds since 1970, or as "
                "-15m for a quarter of an hour ago."
            )
        return moment


class Iso(fields.String):
    """A column of nanoseconds as ISO 8601 with nine digits, beside the column itself."""

    _CHECK_ATTRIBUTE = False  # marshmallow lets one column fill two fields only by way of this

    def __init__(self, source: str, **kwargs: Any) -> None:
        super().__init__(dump_only=True, **kwargs)
        self.source = source

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> str | None:  # noqa: ARG002
        ts_ns = obj[self.source]
        return None if ts_ns is None else times.to_iso(ts_ns)


class Digits(fields.String):
    """Nanoseconds as digits in a string: JavaScript's numbers end at 2^53."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else str(value)
