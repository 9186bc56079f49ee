"""Which tables a step keeps locked, how strongly, and from when to when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentlogger.migrate.rehearsal.results import Statement, Step

Stops = Callable[[str], str]
"""Whom a lock keeps waiting: "reads and writes", "writes", or ""."""

EVERYBODY = "reads and writes"
WRITERS = "writes"
NOBODY = ""

STRENGTHS = (NOBODY, WRITERS, EVERYBODY)
"""From the weakest to the strongest."""


@dataclass(frozen=True)
class Span:
    """A piece of a step's time, in seconds from the step's beginning."""

    start: float
    end: float
    what: str
    """Such as "SHARE, of statement 2"."""
    stops: str


@dataclass(frozen=True)
class Held:
    """A table, and when it is locked."""

    table: str
    spans: tuple[Span, ...]

    def seconds(self, stops: str) -> float:
        """For how long it stops these, or more of them."""
        least = STRENGTHS.index(stops)
        return sum(
            one.end - one.start for one in self.spans if STRENGTHS.index(one.stops) >= least
        )  # fmt: skip

    @property
    def stops(self) -> str:
        """Whom its strongest lock stops."""
        return max((one.stops for one in self.spans), key=STRENGTHS.index)

    @property
    def lock(self) -> str:
        """The strongest of its locks."""
        return max(self.spans, key=lambda one: STRENGTHS.index(one.stops)).what


def held(step: Step, stops: Stops) -> list[Held]:
    """The tables that a step locks, those that stop most for longest first.

    A lock is held until its transaction ends; what the revision's own code takes beside its
    statements, and the commit, count to the last one's.
    """
    found: dict[str, list[Span]] = {}
    now = 0.0
    for place, one in enumerate(step.statements):
        start, now = now, now + one.seconds
        is_last = place == len(step.statements) - 1
        end = now
        if is_last and not one.is_autocommit:
            end += step.code_seconds + step.commit_seconds
        for table, lock in one.locks.items():
            found.setdefault(table, []).append(Span(start, end, lock, stops(lock)))
    tables = [Held(table, tuple(spans)) for table, spans in found.items()]
    return sorted(
        tables,
        key=lambda one: (-one.seconds(EVERYBODY), -one.seconds(WRITERS), one.table),
    )


def longest(step: Step, stops: Stops) -> tuple[Held, str, float] | None:
    """What stops most for longest: the table, whom, and how many seconds; None for nobody."""
    tables = held(step, stops)
    for whom in (EVERYBODY, WRITERS):
        stopping = [one for one in tables if one.seconds(whom)]
        if stopping:
            most = max(stopping, key=lambda one: one.seconds(whom))
            return most, whom, most.seconds(whom)
    return None


def starts(statements: Sequence[Statement]) -> list[float]:
    """When each statement begins, in seconds from the step's beginning."""
    found, now = [], 0.0
    for one in statements:
        found.append(now)
        now += one.seconds
    return found
