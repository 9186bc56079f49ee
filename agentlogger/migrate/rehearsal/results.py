"""What a rehearsal found: each step with its statements, each revision with its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentlogger.migrate.rehearsal.copies import Copy
from agentlogger.migrate.rehearsal.states import Change, Difference, State
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown

UP = "up"
DOWN = "down"


@dataclass(frozen=True)
class Statement:
    """A statement of a step, all its executions from one line together, without its literals."""

    sql: str
    file: str
    line: int
    executions: int
    seconds: float
    transaction: int
    is_autocommit: bool
    read: int
    """Rows, 0 where the database does not count them."""
    written: int
    locks: Mapping[str, str]
    """By table; the strongest that is held when it has ended."""
    rewrites: tuple[str, ...]
    indexes: tuple[str, ...]
    touched: tuple[str, ...]
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The statement as JSON has it; a promise to scripts."""
        return {
            "sql": self.sql,
            "file": self.file,
            "line": self.line,
            "executions": self.executions,
            "ms": milliseconds(self.seconds),
            "rows_read": self.read,
            "rows_written": self.written,
            "locks": dict(sorted(self.locks.items())),
            "rewrites": list(self.rewrites),
            "indexes": list(self.indexes),
            "error": self.error or None,
        }


@dataclass(frozen=True)
class Step:
    """A revision taken up or down once."""

    direction: str
    statements: tuple[Statement, ...]
    code_seconds: float
    commit_seconds: float
    failure: str = ""
    """Why it did not end; "" where it did."""
    place: str = ""
    """File and line of what stopped it."""

    @property
    def seconds(self) -> float:
        """Statements, the revision's own code, and commits."""
        return (
            sum(one.seconds for one in self.statements) + self.code_seconds + self.commit_seconds
        )  # fmt: skip

    @property
    def is_failed_up(self) -> bool:
        """Whether it was to apply the revision and did not."""
        return self.direction == UP and bool(self.failure)

    @property
    def tables(self) -> frozenset[str]:
        """What its statements had to do with."""
        found: set[str] = set()
        for one in self.statements:
            found |= {*one.locks, *one.touched, *one.rewrites, *one.indexes}
        return frozenset(found)

    def as_json(self) -> dict[str, Any]:
        """The step as JSON has it; a promise to scripts."""
        return {
            "direction": self.direction,
            "ms": milliseconds(self.seconds),
            "code_ms": milliseconds(self.code_seconds),
            "commit_ms": milliseconds(self.commit_seconds),
            "failure": self.failure or None,
            "place": self.place or None,
            "statements": [one.as_json() for one in self.statements],
        }


@dataclass(frozen=True)
class Verdict:
    """What a rehearsal says of a revision."""

    word: str
    sentence: str
    as_declared: bool


@dataclass
class Rehearsed:
    """A revision, and what was seen of it.

    The moments are those around its first and second way: `low` is without the revision, `high`
    with it. An applied revision begins with `live`, as the database has it.
    """

    revision: Declared
    is_applied: bool
    steps: list[Step] = field(default_factory=list)
    live: State | None = None
    first_low: State | None = None
    first_high: State | None = None
    second_low: State | None = None
    again_low: State | None = None
    """Before its second upgrade; what older revisions took away on their way down is gone then."""
    second_high: State | None = None
    notes: list[str] = field(default_factory=list)
    untried: str = ""
    """Why it was not, or not to its end, for no fault of its own."""
    verdict: Verdict = field(default_factory=lambda: Verdict("", "", as_declared=False))
    changes: tuple[Change, ...] = ()
    """What its upgrade does to rows that were there."""
    losses: tuple[Change, ...] = ()
    """What does not come back."""
    differences: tuple[Difference, ...] = ()
    """What the schema is not given back."""

    def first(self, direction: str) -> Step | None:
        """Its first step in a direction; None where there was none."""
        return next((one for one in self.steps if one.direction == direction), None)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it has to do with, of one of its moments, in order."""
        moments = (
            self.live, self.first_low, self.first_high, self.second_low, self.second_high,
        )  # fmt: skip
        there = {name for one in moments if one is not None for name in one.tables}
        touched: set[str] = set()
        for step in self.steps:
            touched |= step.tables
        named = {one.table for one in (*self.changes, *self.losses)}
        return tuple(sorted((touched | named) & there))

    def rows(self, table: str) -> dict[str, int | None]:
        """How many rows a table had at each moment; None where it was not there."""
        return {
            name: moment.tables[table].rows if moment and table in moment.tables else None
            for name, moment in (
                ("before", self.first_low),
                ("after", self.first_high),
                ("after_down", self.second_low),
                ("after_second_up", self.second_high),
            )
        }

    def fingerprints(self) -> dict[str, str | None]:
        """SHA-256 of the catalogue at each moment; None where it was not reached."""
        return {
            name: moment.fingerprint if moment is not None else None
            for name, moment in (
                ("before", self.first_low),
                ("after", self.first_high),
                ("after_down", self.second_low),
                ("after_second_up", self.second_high),
            )
        }

    def as_json(self) -> dict[str, Any]:
        """The revision as JSON has it; a promise to scripts."""
        return {
            "revision": self.revision.revision,
            "message": self.revision.message,
            "file": shown(self.revision.path),
            "phase": self.revision.phase,
            "reversible": self.revision.reversible,
            "applied": self.is_applied,
            "verdict": self.verdict.word,
            "sentence": self.verdict.sentence,
            "as_declared": self.verdict.as_declared,
            "notes": self.notes,
            "fingerprints": self.fingerprints(),
            "tables": {name: self.rows(name) for name in self.tables},
            "steps": [one.as_json() for one in self.steps],
        }


@dataclass(frozen=True)
class Rehearsal:
    """All of it."""

    database: str
    backend: str
    server: str
    program: str
    copy: Copy
    when: datetime
    seconds: float
    revisions: tuple[Rehearsed, ...]
    notes: tuple[str, ...]
    rows: int
    """Rows of the copy at its beginning."""

    @property
    def is_as_declared(self) -> bool:
        """Whether every revision is what it says."""
        return all(one.verdict.as_declared for one in self.revisions)

    @property
    def sentence(self) -> str:
        """The verdict on all of them."""
        wrong = [one for one in self.revisions if not one.verdict.as_declared]
        count = len(self.revisions)
        if not count:
            return "There was nothing to rehearse."
        if not wrong:
            said = "1 revision is" if count == 1 else f"{count} revisions are"
            return f"{said} as declared."
        names = ", ".join(one.revision.revision for one in wrong)
        said = "revision is" if count == 1 else f"of {count} revisions {_is(len(wrong))}"
        return f"{len(wrong)} {said} not as declared: {names}."

    def as_json(self) -> dict[str, Any]:
        """The rehearsal as JSON has it; a promise to scripts."""
        return {
            "database": self.database,
            "server": self.server,
            "when": stamp(self.when),
            "copy": {
                "how": self.copy.how,
                "seconds": round(self.copy.seconds, 3),
                "bytes": self.copy.bytes,
                "kept_as": self.copy.kept_as or None,
            },
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "as_declared": self.is_as_declared,
            "notes": list(self.notes),
            "revisions": [one.as_json() for one in self.revisions],
        }


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds, to the microsecond."""
    return round(seconds * 1000, 3)


def stamp(when: datetime) -> str:
    """A moment in UTC as scripts read it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
