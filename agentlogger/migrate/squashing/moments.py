"""Values that a data step has read from the clock: they are written as the time of each run.

Whatever else differs from one replay to the next cannot be told from the rows, and is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

MARGIN_SECONDS = 60.0
"""How far a database server's clock may be from ours; nothing that was meant falls in there."""

UNITS = {
    "time.time_ns()": 10**9,
    "time.time_ns() // 1_000": 10**6,
    "time.time_ns() // 1_000_000": 10**3,
    "int(time.time())": 1,
}
"""How the time is read, and how much of it is a second."""

TEXT = re.compile(r"'(?P<day>\d{4}-\d\d-\d\d)(?P<time>[ T]\d\d:\d\d.*)?'")
WHOLE_SECONDS = re.compile(r" \d\d:\d\d:\d\d")

NOW = "CURRENT_TIMESTAMP"


@dataclass(frozen=True)
class Clock:
    """When a replay ran, in seconds since 1970."""

    began: float
    ended: float

    def _is_in(self, seconds: float) -> bool:
        return self.began - MARGIN_SECONDS <= seconds <= self.ended + MARGIN_SECONDS

    def read(self, literal: str) -> str | None:
        """The code that gives this number anew, or None where it is not of the time."""
        if re.fullmatch(r"\d+", literal):
            number = int(literal)
            return next((code for code, unit in UNITS.items() if self._is_in(number / unit)), None)
        if re.fullmatch(r"\d+\.\d+", literal) and self._is_in(float(literal)):
            return "time.time()"
        return None

    def is_now(self, literal: str) -> bool:
        """Whether a text is the moment of the replay, in UTC or in local time, or may be."""
        match = TEXT.fullmatch(literal)
        if match is None or match["time"] is None:
            # A day alone, or within another text, cannot be told from one that was meant.
            days = {_day(self.began), _day(self.ended)}
            return literal.startswith("'") and any(day in literal for day in days)
        try:
            moment = datetime.fromisoformat(match["day"] + match["time"])
        except ValueError:
            return False
        zoned = [moment] if moment.tzinfo else [moment.replace(tzinfo=UTC), moment.astimezone()]
        return any(self._is_in(one.timestamp()) for one in zoned)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def as_sql(literal: str, definition: str, backend: str) -> str | None:
    """How SQL itself gives a text that is now; None where it would not be the same."""
    if backend == "sqlite":
        match = TEXT.fullmatch(literal)
        whole = match is not None and WHOLE_SECONDS.fullmatch(match["time"] or "")
        return NOW if whole else None
    zoned = (
        definition.startswith(("timestamp with", "timestamp(")) and "with time zone" in definition
    )
    by_default = definition.endswith(("DEFAULT now()", "DEFAULT CURRENT_TIMESTAMP"))
    return NOW if zoned or by_default else None
