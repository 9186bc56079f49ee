"""Convoys: readers of arrivals at several positions who read on together, each record once.

Each keeps its own position and passes only what it has not seen. Whoever is passed by stands where
the others do from then on, since what is behind a number looks the same from wherever one came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from agentlogger.store.arrivals import Arrival
from agentlogger.store.key_lists import Key
from agentlogger.store.positions import Position


class Run(NamedTuple):
    """Some of an arrival's records, one behind the other."""

    arrival: Arrival
    begin: int
    """Where the first stands among the arrival's keys."""
    end: int
    """Where the one behind the last would."""

    @property
    def keys(self) -> Sequence[Key]:
        """The keys of these records."""
        return self.arrival.keys[self.begin : self.end]


class Passed(NamedTuple):
    """A record that some readers have not seen before, and pass now."""

    key: Key
    position: Position
    """Where they stand behind it."""
    is_new: bool
    """Or it was there before, and has been completed."""
    readers: Sequence[int]
    """Who they are, by their places."""


class Convoy:
    """Readers of one project's arrivals, at one position or at several."""

    def __init__(self, positions: Sequence[Position], now: Position) -> None:
        """`now` is what the transaction sees in which they read."""
        self._now = now
        self._cohorts: dict[Position, list[int]] = {}
        for place, position in enumerate(positions):
            self._cohorts.setdefault(position, []).append(place)

    def begin(self, arrival: Arrival) -> int:
        """How many of an arrival's keys all have seen, of those who have not seen all of them."""
        return min(
            len(arrival.keys),
            *(
                position.skipped(arrival.number, arrival.project_id)
                for position in self._cohorts
                if position.is_unseen(arrival.number)
            ),
        )

    def passing(self, run: Run, asked: Collection[Key]) -> Iterator[Passed]:
        """What they pass of these records, as far as it is asked for; used up, they are behind."""
        arrival, begin, end = run
        cohorts: dict[Position, list[int]] = {}
        for before, readers in self._cohorts.items():
            behind = before
            if before.is_unseen(arrival.number):
                seen = before.skipped(arrival.number, arrival.project_id)
                for place in range(max(begin, seen), end) if asked else ():
                    if (key := arrival.keys[place]) in asked:
                        there = self._behind(before, arrival, place + 1)
                        yield Passed(key, there, place < arrival.stored, readers)
                if end > seen or end == len(arrival.keys):
                    behind = self._behind(before, arrival, end)
            cohorts.setdefault(behind, []).extend(readers)
        self._cohorts = cohorts

    def _behind(self, before: Position, arrival: Arrival, seen: int) -> Position:
        if seen < len(arrival.keys):
            return before.inside(arrival.number, arrival.project_id, seen)
        return before.through(arrival.number, self._now, arrival.behind.moment_ns)

    def positions(self) -> dict[int, Position]:
        """Where each stands, by its place."""
        return {place: position for position, places in self._cohorts.items() for place in places}


def start(positions: Sequence[Position]) -> Position:
    """The position that has not seen what one of these has not."""
    first = min(positions, key=lambda one: one.upto)
    late = {number for one in positions for number in one.open if number < first.upto}
    return Position(first.origin, first.moment_ns, first.upto, tuple(sorted(late)))


def cut(runs: Sequence[Run], keys: int) -> tuple[list[Run], list[Run]]:
    """The first so many keys of these, or all, and those behind."""
    batch: list[Run] = []
    for place, run in enumerate(runs):
        end = min(run.end, run.begin + keys)
        batch.append(run._replace(end=end))
        keys -= end - run.begin
        if not keys:
            rest = [run._replace(begin=end)] if end < run.end else []
            return batch, [*rest, *runs[place + 1 :]]
    return batch, []
