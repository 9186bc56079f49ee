"""Positions: what a reader of arrivals has seen, so that it reads on from there.

On PostgreSQL transactions commit in another order than they got their ids in, so that no number
alone says what was seen. A position is therefore what a snapshot is: all numbers below one, but for
some that were open. Whoever reads on looks at those again, and at what came above. On SQLite one
transaction writes at a time, and none is ever open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from agentlogger.limits import ARRIVALS_KEPT_SECONDS

SECOND_NS = 10**9

CHARACTERS = 6_000
"""The longest text of a position: it fits into a header that gunicorn reads (8,190 bytes). It has
about three characters for each transaction that was open on the whole server."""

PARTS = re.compile(
    r"([0-9a-f]{1,16})\.([0-9a-f]{1,16})\.([0-9a-f]{1,16})((?:-[0-9a-f]{1,16})*)"
    r"((?:\.[0-9a-f]{1,16}\.[0-9a-f]{1,16}\.[0-9a-f]{1,16})*)"
)


class Within(NamedTuple):
    """So many records of one transaction's, and one project's, were seen of a number not seen."""

    number: int
    project_id: int
    records: int


@dataclass(frozen=True)
class Position:
    """What was seen: every number below `upto` but for those that were `open`, in rising order."""

    origin: int
    """The history that the numbers belong to."""
    moment_ns: int = field(compare=False)
    """When it was: what came later is still there, for as long as arrivals are kept."""
    upto: int
    open: tuple[int, ...] = ()
    within: tuple[Within, ...] = ()
    """Of numbers that were begun and not ended, in rising order: one, unless an earlier number came
    to be seen after that."""

    def through(self, number: int, now: Position, moment_ns: int) -> Position:
        """The position behind all that `now` sees up to a number, read on from here."""
        begun = self._begun_above(number)
        if number >= self.upto:
            still = (one for one in now.open if one <= number)
            return Position(self.origin, moment_ns, number + 1, tuple(still), begun)
        still = (one for one in self.open if one > number or one in now.open)
        return Position(self.origin, moment_ns, self.upto, tuple(still), begun)

    def inside(self, number: int, project_id: int, records: int) -> Position:
        """The position behind so many of a number's records, of one project."""
        within = (Within(number, project_id, records), *self._begun_above(number))
        return Position(self.origin, self.moment_ns, self.upto, self.open, within)

    def _begun_above(self, number: int) -> tuple[Within, ...]:
        return tuple(one for one in self.within if one.number > number)

    def is_unseen(self, number: int) -> bool:
        """Whether something of a number may not have been seen."""
        return number >= self.upto or number in self.open

    def skipped(self, number: int, project_id: int) -> int:
        """How many of a number's records were seen already."""
        these = (one.records for one in self.within if one[:2] == (number, project_id))
        return next(these, 0)

    def is_lost(self, now: Position) -> bool:
        """Whether something that came since may be gone, or is not to be told from what was seen.

        Numbers begin anew in a database that was restored, and one that was put back to an earlier
        moment gives them a second time.
        """
        kept_since = now.moment_ns - ARRIVALS_KEPT_SECONDS * SECOND_NS
        return self.origin != now.origin or self.upto > now.upto or self.moment_ns < kept_since

    def text(self) -> str:
        """The position as a client holds it: letters, digits, dots and hyphens."""
        parts = [
            f"{self.origin:x}.{self.moment_ns:x}.{self.upto:x}",
            *(f"-{before:x}" for before in _steps_down(self.upto, self.open)),
        ]
        parts += (".{:x}.{:x}.{:x}".format(*one) for one in self.within)
        return "".join(parts)


def parse(text: str) -> Position | None:
    """The position that a client holds, or None where the text is none."""
    found = PARTS.fullmatch(text) if len(text) <= CHARACTERS else None
    if found is None:
        return None
    origin, moment_ns, upto, steps, parts = found.groups()
    within = parts.split(".")[1:]
    numbers = [int(one, 16) for one in (origin, moment_ns, upto, *within)]
    still = []
    number = numbers[2]
    for step in steps.split("-")[1:]:
        number -= int(step, 16)
        still.append(number)
    if max(numbers) >= 2**63 or number < 0 or len(set(still)) < len(still):
        return None
    position = Position(numbers[0], numbers[1], numbers[2], tuple(reversed(still)))
    begun = (Within(*numbers[first : first + 3]) for first in range(3, len(numbers), 3))
    return replace(position, within=tuple(begun))


def _steps_down(upto: int, numbers: Iterable[int]) -> Iterable[int]:
    """From `upto` down to each number: small, since what is open is mostly new."""
    for number in sorted(numbers, reverse=True):
        yield upto - number
        upto = number
