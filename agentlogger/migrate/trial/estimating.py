"""From what a sample took to what the whole will take.

Every pending revision is run on a small sample and on a larger one. What the database counts (rows,
or instructions) tells whether a statement's work grows with the rows, and how; the seconds tell
what a unit of that work costs, apart from what every execution costs once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agentlogger.migrate.trial.observing import Observed, Spent

FIXED_SECONDS = 0.010
"""What the first execution of a statement costs at most beside its rows: its plan, the catalogue,
the processes of a parallel build. More in a small sample is the machine's business elsewhere."""

STEEPER = 1.25
"""Work that grows as this power of the rows, or a higher one, is a loop that reads all rows again
and again; below it is what sorting adds."""

STEEPEST = 2.0

DEARER = 0.15
"""Per row, a table of ten times the size costs 1.4 times as much: deeper indexes, sorts that leave
memory, caches that hold less of it. Measured: 1.0 to 2.2 times, both databases."""

CODE_SECONDS = 0.005
"""A revision's own code means something where it took so much longer with more rows."""


@dataclass(frozen=True)
class Sampled:
    """A table of the live database, and what of it is in the scratch database."""

    rows: int
    """In the live database."""
    is_exact: bool
    taken: int
    """In the scratch database."""
    reason: str = ""
    """Why its rows could not be taken, where that is so."""


@dataclass(frozen=True)
class Estimate:
    """What a statement will do on the live database, all its executions together."""

    observed: Observed
    """With the larger sample."""
    seconds: float
    executions: int
    read: int
    """Rows."""
    written: int
    grows: bool
    """Whether it takes longer with more rows."""


@dataclass(frozen=True)
class Wait:
    """What clients would wait for, and how long at most."""

    what: str
    lock: str
    seconds: float
    stops: str
    """What has to wait: writes, or reads and writes."""
    most: float
    """Longer than these seconds is too long."""

    @property
    def is_too_long(self) -> bool:
        """Whether clients would notice."""
        return self.seconds > self.most


class Tables:
    """How many rows each table has: in the small sample, in the larger one, and live.

    A table that a revision makes is known once something was written into it.
    """

    def __init__(self, small: Mapping[str, Sampled] | None, large: Mapping[str, Sampled]) -> None:
        self._rows: dict[str, tuple[float, float, float]] = {}
        self._made: set[str] = set()
        for table, sampled in large.items():
            before = small[table].taken if small is not None and table in small else 0
            self._rows[table] = (before, sampled.taken, max(sampled.rows, sampled.taken))

    def of(self, names: Iterable[str]) -> tuple[float, float, float]:
        """The rows of several tables together."""
        known = [self._rows[name] for name in names if name in self._rows]
        return (
            sum(one[0] for one in known),
            sum(one[1] for one in known),
            sum(one[2] for one in known),
        )

    def learn(self, name: str, small: float, large: float, live: float) -> None:
        """A table that was not there has got rows."""
        if name in self._rows and name not in self._made:
            return
        known = self._rows.get(name, (0.0, 0.0, 0.0))
        self._rows[name] = (known[0] + small, known[1] + large, known[2] + live)
        self._made.add(name)


def estimates(
    small: Sequence[Observed] | None, large: Sequence[Observed], tables: Tables
) -> list[Estimate]:
    """What these statements will take on the live database.

    `small` is None where the sample holds every row, so that nothing is left to estimate.
    """
    before = {one.key: one for one in small or ()}
    found = []
    for one in large:
        found.append(_estimate(before.get(one.key), one, tables))
        for name in one.seen.written:
            first = before.get(one.key)
            share = found[-1].written / max(1, one.rows(one.seen.written))
            rows = one.rows({name: one.seen.written[name]})
            was = first.rows({name: first.seen.written.get(name, 0)}) if first else 0
            tables.learn(name, was, rows, rows * share)
    return found


def _estimate(small: Observed | None, large: Observed, tables: Tables) -> Estimate:
    read, written = large.rows(large.seen.read), large.rows(large.seen.written)
    fewer, more, live = tables.of(large.seen.touched)
    if not read and not written and large.work >= more > 0:
        # SQLite tells the work and not the rows.
        read = round(more)
    if live <= more:
        return Estimate(large, large.seconds, large.executions, read, written, grows=False)
    scale = _Scale(fewer if small is not None else 0.0, more, live)
    work = scale.of(small.work if small is not None else 0.0, large.work)
    return Estimate(
        observed=large,
        seconds=_seconds(
            (small.seconds, small.work) if small is not None else (0.0, 0.0),
            (large.seconds, large.work),
            work,
        ),
        executions=round(scale.of(small.executions if small else 0, large.executions)),
        read=round(scale.of(_read(small, read, fewer), read)),
        written=round(scale.of(small.rows(small.seen.written) if small else 0, written)),
        grows=work > large.work,
    )


def _read(small: Observed | None, read: int, rows: float) -> float:
    counted = small.rows(small.seen.read) if small is not None else 0
    return counted or (min(read, rows) if small is not None else 0)


@dataclass(frozen=True)
class _Scale:
    """The rows behind two counts, and those that a third is wanted for."""

    fewer: float
    more: float
    live: float

    def of(self, small: float, large: float) -> float:
        """What was counted, for the live rows."""
        if large <= small or self.more <= self.fewer:
            return large
        if small > self.fewer > 0:
            power = math.log(large / small) / math.log(self.more / self.fewer)
            if power >= STEEPER:
                steep: float = (self.live / self.more) ** min(power, STEEPEST)
                return large * steep
        return large + (large - small) / (self.more - self.fewer) * (self.live - self.more)


def _seconds(small: tuple[float, float], large: tuple[float, float], work: float) -> float:
    """The seconds that a work will take, from the seconds and the work of two runs."""
    (seconds, units), (seconds_large, units_large) = small, large
    if work <= units_large or units_large <= units:
        return seconds_large
    # At most what its share of the larger run is, and what an execution costs once.
    fair = min(seconds, seconds_large * units / units_large + FIXED_SECONDS)
    each = max(0.0, seconds_large - fair) / (units_large - units)
    each = min(each, seconds_large / units_large)
    dearer = (work / units_large) ** DEARER
    return float(seconds_large + each * (work - units_large) * dearer)


def estimate_spent(
    small: Spent | None,
    large: Spent,
    own: Sequence[Estimate],
    tables: Tables,
) -> Spent:
    """How long a revision's own code and its commits will take, from those of two runs."""
    touched = {name for one in own for name in one.observed.seen.touched if one.grows}
    fewer, more, live = tables.of(touched)
    if not touched or live <= more:
        return large
    code = large.code
    before = small.code if small is not None else 0.0
    if large.code > before + CODE_SECONDS:
        code = _seconds((before, fewer), (large.code, more), live)
    commit = _seconds(
        (small.commit if small is not None else 0.0, fewer), (large.commit, more), live
    )
    return Spent(code=code, commit=commit)
