"""How far each backfill has come, for whoever shows it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect, select

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.ledger.tables import BACKFILLS

NANOSECONDS = 10**9

PENDING = "pending"
RUNNING = "running"
PAUSED = "paused"
FINISHED = "finished"

NOBODY = "nobody works on it"
"""What an unfinished backfill waits for that is neither paused nor in anybody's hands."""


@dataclass(frozen=True)
class Backfill:
    """A backfill of this database; times are nanoseconds since 1970."""

    name: str
    revision: str
    """The one that has registered it."""
    table: str
    state: str
    """pending, running, paused or finished."""
    rows_done: int
    """Rows that were looked at, and written where they had to be."""
    rows_expected: int | None
    """Rows of the table when it was registered, as the database estimated them."""
    begun_ns: int
    changed_ns: int
    rows_per_second: float | None
    """Lately, with its pauses; None while it does not run."""
    waiting_for: str
    """Why it is slower or does not go on now; "" where nothing holds it back."""
    rows_written: int = 0
    passes: int = 0
    """How often the whole table was walked; the last pass finds nothing to write."""
    statement: str = ""
    """What it amounts to, as one statement."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == FINISHED

    @property
    def is_open(self) -> bool:
        """Whether there is something to do, and nobody has stopped it."""
        return self.state in {PENDING, RUNNING}

    @property
    def percent(self) -> float | None:
        """How much of the table is done, at most 99 before the end; None where nobody can tell."""
        if self.is_finished:
            return 100.0
        if not self.rows_expected:
            return None
        return min(99.0, round(100.0 * self.rows_done / self.rows_expected, 1))

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the present rate; None where nobody can tell."""
        if self.is_finished or not self.rows_per_second or self.rows_expected is None:
            return None
        return max(0, self.rows_expected - self.rows_done) / self.rows_per_second

    def as_json(self) -> dict[str, Any]:
        """The backfill as JSON has it; a promise to scripts."""
        return {
            "name": self.name,
            "revision": self.revision,
            "table": self.table,
            "state": self.state,
            "percent": self.percent,
            "rows_done": self.rows_done,
            "rows_expected": self.rows_expected,
            "rows_written": self.rows_written,
            "rows_per_second": self.rows_per_second,
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
            "waiting_for": self.waiting_for,
            "passes": self.passes,
            "begun_ns": self.begun_ns,
            "changed_ns": self.changed_ns,
            "statement": self.statement,
            "sentence": self.told(),
        }

    def told(self) -> str:
        """One line of it, as people read it."""
        rate = "" if not self.rows_per_second else f", {self.rows_per_second:,.0f} rows/s"
        left = "" if self.seconds_left is None else f", {_duration(self.seconds_left)} left"
        once_more = ", looking once more" if self.passes and not self.is_finished else ""
        waits = f": {self.waiting_for}" if self.waiting_for else ""
        return f"{self.name}  {self}{once_more}{rate}{left}{waits}"

    def __str__(self) -> str:
        if self.is_finished:
            return f"finished, {self.rows_written:,} rows written"
        percent = "" if self.percent is None else f"{self.percent:.0f} %, "
        about = "" if self.rows_expected is None else f" of about {self.rows_expected:,}"
        return f"{self.state}, {percent}{self.rows_done:,}{about} rows"


def backfills(connection: Connection) -> list[Backfill]:
    """All backfills of this database, in the order in which they were registered.

    None where this room has not made its table yet, or an older version of it has.
    """
    looked = inspect(connection)
    if not looked.has_table(BACKFILLS.name):
        return []
    there = {column["name"] for column in looked.get_columns(BACKFILLS.name)}
    if not there >= {column.name for column in BACKFILLS.c}:
        return []
    found = select(BACKFILLS).order_by(BACKFILLS.c.begun_ns, BACKFILLS.c.name)
    return [_backfill(row, time.time_ns()) for row in connection.execute(found)]


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004  (two hours)


def _backfill(row: Any, now: int) -> Backfill:
    is_at_work = row.state == RUNNING and (row.lease_until_ns or 0) > now
    waiting_for = row.waiting_for or ""
    if row.state in {PENDING, RUNNING} and not is_at_work:
        waiting_for = waiting_for or NOBODY
    return Backfill(
        name=row.name,
        revision=row.revision,
        table=row.table_name,
        state=row.state,
        rows_done=row.rows_done,
        rows_expected=row.rows_expected,
        begun_ns=row.begun_ns,
        changed_ns=row.changed_ns,
        rows_per_second=row.rows_per_second if is_at_work else None,
        waiting_for=waiting_for,
        rows_written=row.rows_written or 0,
        passes=row.passes or 0,
        statement=_statement(row),
    )


def _statement(row: Any) -> str:
    if row.set_sql is None:
        return ""
    return Definition.of_row(row).update(lambda name: name if name.isidentifier() else f'"{name}"')
