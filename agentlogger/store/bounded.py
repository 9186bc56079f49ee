"""What counts must come to an end: a bound for single statements, and walks in bounded steps.

A question that would take minutes is not asked at once. It is asked for step after step of the time
that it is about, the newest first, so that what was answered when the time is over is exact as far
as it goes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Executable, bindparam
from sqlalchemy.exc import DBAPIError

from agentlogger.errors import QueryTooSlow
from agentlogger.limits import COUNT_SECONDS
from agentlogger.store.connections import backend_of
from agentlogger.store.rows import Row, all_rows

FIRST_STEP = 64
"""A walk's first step is so small a part of the whole: it shows how long the next ones take."""

STEP_GROWS_MOST = 32
"""How many times as long as the one before a step may be: most walks so take three."""

STATEMENTS_KEPT = 64
"""Statements that are kept of each kind of count: a page counts by one query again and again, and
to make a statement anew takes longer than to send it."""

STEP_SHARE = 4
"""A step is as long as it may be expected to take this part of the time that is left: where the
next records are several times as dense, it still comes to its end."""


@contextmanager
def bounded(connection: Connection, seconds: float) -> Iterator[None]:
    """End a statement within the block that takes longer than so many seconds.

    Raises QueryTooSlow then; on PostgreSQL the transaction is over.
    """
    backend = backend_of(connection.engine.url)
    try:
        with backend.bound(connection, seconds):
            yield
    except DBAPIError as fault:
        if not backend.ran_out_of_time(fault):
            raise
        raise too_slow(seconds) from fault


class Allowance:
    """The time that the statements of one answer may take together."""

    def __init__(self) -> None:
        self._until = time.monotonic() + COUNT_SECONDS

    def rows(self, connection: Connection, statement: Executable) -> list[Row]:
        """What a statement finds. Raises QueryTooSlow."""
        left = max(0.0, self._until - time.monotonic())
        try:
            with bounded(connection, left):
                return all_rows(connection.execute(statement))
        except QueryTooSlow as slow:
            raise too_slow() from slow


def too_slow(seconds: float | None = None) -> QueryTooSlow:
    """What is said where nothing came of a question in time: in COUNT_SECONDS, or so many."""
    allowed = COUNT_SECONDS if seconds is None else seconds
    return QueryTooSlow(
        f"This takes the database longer than {allowed:g} seconds, so it was given up: ask for a "
        "shorter time by from and to, or for less by q. Keys such as session: and level: are found "
        "faster than words."
    )


@dataclass(frozen=True)
class Step:
    """A part of the time that a walk is over, and how long it may take."""

    from_ns: int
    to_ns: int
    seconds: float

    @property
    def parameters(self) -> dict[str, int]:
        """What a statement with `in_step` is sent with."""
        return {"step_from_ns": self.from_ns, "step_to_ns": self.to_ns}


def in_step(ts_ns: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """Whether a time is in the step whose `parameters` are sent: one statement for all of them."""
    return [ts_ns >= bindparam("step_from_ns"), ts_ns < bindparam("step_to_ns")]


class Walk:
    """A walk over a time, from its end to its beginning, in steps that end where units do.

    It is over when all is walked, or COUNT_SECONDS have passed.
    """

    def __init__(self, from_ns: int, to_ns: int, *, unit_ns: int = 1) -> None:
        self._from_ns = from_ns
        self._at_ns = to_ns
        self._unit_ns = unit_ns
        self._until = time.monotonic() + COUNT_SECONDS
        self._units = max(1, (to_ns - from_ns) // unit_ns // FIRST_STEP)

    def __iter__(self) -> Iterator[Step]:
        """The steps, of which each is begun when the one before is done."""
        while self._at_ns > self._from_ns:
            began = time.monotonic()
            left = self._until - began
            if left <= 0:
                return
            below = (self._at_ns - 1) // self._unit_ns * self._unit_ns
            lower = max(self._from_ns, below - (self._units - 1) * self._unit_ns)
            yield Step(lower, self._at_ns, left)
            self._at_ns = lower
            took = max(time.monotonic() - began, 1e-6)
            expected = int(self._units * (left - took) / STEP_SHARE / took)
            self._units = max(1, min(expected, self._units * STEP_GROWS_MOST))
