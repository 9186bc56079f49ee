"""What each statement of a revision really does: written down while it runs on a scratch database.

No list of rules judges a revision by its looks: the database is asked what was locked, read,
written and rewritten, and SQL that is built at run time shows like any other. `plan` runs what is
pending this way; a linter or a rehearsal can use the same observer.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from sqlalchemy import Connection, event

WATCHED_EXECUTIONS = 20
"""Of a statement that a loop executes, so many executions are watched closely; the rest are timed
only, since asking the database costs more than most of them take."""

SHOWN_PARAMETERS = 200
"""Characters of a statement's parameters that are kept."""

LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
"""What differs between the executions of one statement that is built in a loop."""

OURS = (
    "agentlogger.migrate.postgresql.backfills",
    "agentlogger.migrate.postgresql.engine",
    "agentlogger.migrate.sqlite.engine",
    "agentlogger.migrate.postgresql.verbs.found",
    "agentlogger.migrate.trial.filling",
)
"""Modules whose own statements (BEGIN, SET LOCAL, a verb's looks, what is filled later) are no part
of a revision."""


@dataclass
class Effects:
    """What one statement, or several, did to tables; names are of the tables as they were first.

    Partitions count as the table that they are parts of.
    """

    touched: set[str] = field(default_factory=set)
    """Tables whose rows it had to do with."""
    read: dict[str, int] = field(default_factory=dict)
    """Rows scanned or fetched, by table."""
    written: dict[str, int] = field(default_factory=dict)
    """Rows inserted, updated and deleted, by table."""
    rewritten: set[str] = field(default_factory=set)
    """Tables that were there before and were written anew as a whole."""
    indexed: set[str] = field(default_factory=set)
    """Tables for which an index was built."""
    locks: dict[str, str] = field(default_factory=dict)
    """The strongest lock that is held when it has ended, by table that was there before."""
    patience: float = 0.0
    """Seconds that it might have waited for a lock, and others behind it; inf is for ever."""
    work: float = 0.0
    """What it cost in units that grow with the rows alone, so that two runs can be compared."""
    commit_seconds: float = 0.0
    """How long its own commit took, where it had a transaction for itself."""

    def add(self, other: Effects) -> None:
        """Take in the effects of another execution."""
        self.touched |= other.touched
        for mine, theirs in ((self.read, other.read), (self.written, other.written)):
            for table, rows in theirs.items():
                mine[table] = mine.get(table, 0) + rows
        self.rewritten |= other.rewritten
        self.indexed |= other.indexed
        self.locks |= other.locks
        self.patience = max(self.patience, other.patience)
        self.work += other.work
        self.commit_seconds += other.commit_seconds


class Watch(Protocol):
    """How one database tells of the statements of one connection."""

    def before(self, statement: str) -> None:
        """Note how things are. The next statement of the connection is this one."""

    def after(self) -> Effects:
        """What has changed since."""

    def failed(self) -> None:
        """The statement has failed: end what `before` has begun."""

    def close(self) -> None:
        """Leave the connection as it was."""


@dataclass
class Observed:
    """A statement of a revision, with all its executions from one line."""

    revision: str
    sql: str
    """The text of its first execution."""
    parameters: str
    """Those of its first execution, cut; "" for none."""
    path: Path
    line: int
    transaction: int
    """Counts the transactions of the connection: locks are held until theirs ends."""
    is_autocommit: bool
    executions: int = 0
    seconds: float = 0.0
    """Of all executions together, as the program waited for them."""
    watched: int = 0
    seen: Effects = field(default_factory=Effects)
    """Of the executions that were watched."""
    error: str = ""
    """What the database said to it, where it has failed; the revision may have gone on."""

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes it the same statement in another run."""
        return self.revision, self.line, LITERAL.sub("?", self.sql)

    @property
    def share(self) -> float:
        """By what the effects that were watched stand for all."""
        return self.executions / self.watched if self.watched else 0.0

    @property
    def work(self) -> float:
        """Of all executions, as far as those that were watched stand for the rest."""
        return self.seen.work * self.share

    def rows(self, kind: Mapping[str, int]) -> int:
        """The rows of `seen.read` or `seen.written`, of all executions."""
        return round(sum(kind.values()) * self.share)


@dataclass
class Spent:
    """Where a revision's time went beside its statements, in seconds."""

    code: float = 0.0
    """In its own code, in fetching what it selected, and in what is checked after it."""
    commit: float = 0.0
    """In the commits of its transactions."""


class TooLong(BaseException):
    """The time that was given is over; no code of a revision is to catch it."""


class Observer:
    """Writes down what the statements of one connection do while revisions run on it."""

    def __init__(
        self, connection: Connection, watch: Watch, paths: Mapping[str, Path], seconds: float
    ) -> None:
        self._connection = connection
        self._watch = watch
        self._paths = paths
        self._by_key: dict[tuple[str, int, str], Observed] = {}
        self._transaction = 0
        self._revision: str | None = None
        self._current: Observed | None = None
        self._is_watched = False
        self._deadline = time.perf_counter() + seconds
        self._started = 0.0
        self._resumed = 0.0
        self._committing = False
        self.spent: dict[str, Spent] = {}
        """By revision."""

    @property
    def observed(self) -> list[Observed]:
        """The statements, in the order in which each was executed first."""
        return list(self._by_key.values())

    @property
    def failing(self) -> Observed | None:
        """The statement that the database refused last, if it was the last one."""
        return self._current if self._current is not None and self._current.error else None

    def begin(self, revision: str) -> None:
        """What follows is of this revision."""
        self._revision = revision
        self._current = None
        self._committing = False
        self.spent.setdefault(revision, Spent())
        self._resumed = time.perf_counter()

    def end(self) -> None:
        """What follows is of no revision; the last one is committed."""
        self._count_time(time.perf_counter())
        self._revision = None

    def _count_time(self, now: float) -> None:
        if self._revision is not None:
            spent = self.spent[self._revision]
            if self._committing:
                spent.commit += now - self._resumed
            else:
                spent.code += now - self._resumed
        self._committing = False
        self._resumed = now

    def _before(
        self, _c: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        self._count_time(time.perf_counter())
        if self._revision is not None and self._resumed > self._deadline:
            raise TooLong
        self._current = self._find(sql, parameters, many)
        self._is_watched = False
        if self._current is not None and self._current.watched < WATCHED_EXECUTIONS:
            self._is_watched = True
            self._watch.before(sql)
        self._started = time.perf_counter()

    def _find(self, sql: str, parameters: Any, many: bool) -> Observed | None:
        place = self._place()
        if self._revision is None or place is None:
            return None
        options = self._connection.get_execution_options()
        made = Observed(
            revision=self._revision,
            sql=sql,
            parameters=_shown(parameters, many),
            path=place[0],
            line=place[1],
            transaction=self._transaction,
            is_autocommit=options.get("isolation_level") == "AUTOCOMMIT",
        )
        return self._by_key.setdefault(made.key, made)

    def _place(self) -> tuple[Path, int] | None:
        """The line of a revision's file that the running statement comes from."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  (the cheap way to a caller's line)
        while frame is not None and frame.f_globals.get("__name__") not in OURS:
            path = self._paths.get(frame.f_code.co_filename)
            if path is not None:
                return path, frame.f_lineno
            frame = frame.f_back
        return None

    def _after(self, *_given: Any) -> None:
        now = time.perf_counter()
        current = self._current
        if current is None:
            # Alembic's own, and what is checked after a revision.
            self._resumed = self._started
            self._count_time(now)
        else:
            current.executions += 1
            current.seconds += now - self._started
            if self._is_watched:
                effects = self._watch.after()
                current.watched += 1
                current.seen.add(effects)
                current.seconds += effects.commit_seconds
        self._resumed = time.perf_counter()

    def _failed(self, context: Any) -> None:
        current = self._current
        if current is None or context.statement is None:
            return
        current.executions += 1
        current.seconds += time.perf_counter() - self._started
        current.error = " ".join(str(context.original_exception).strip().splitlines()[:1])
        if self._is_watched:
            current.watched += 1
            self._watch.failed()
        self._resumed = time.perf_counter()

    def _ends_transaction(self, _connection: Any) -> None:
        self._count_time(time.perf_counter())
        self._committing = True
        self._transaction += 1

    def listen(self) -> None:
        """Begin to listen to the connection."""
        for name, listener in self._listeners():
            event.listen(self._connection, name, listener)
        event.listen(self._connection.engine, "handle_error", self._failed)

    def close(self) -> None:
        """Listen no more."""
        for name, listener in self._listeners():
            event.remove(self._connection, name, listener)
        event.remove(self._connection.engine, "handle_error", self._failed)
        self._watch.close()

    def _listeners(self) -> list[tuple[str, Any]]:
        return [
            ("before_cursor_execute", self._before),
            ("after_cursor_execute", self._after),
            ("commit", self._ends_transaction),
            ("rollback", self._ends_transaction),
        ]


@contextmanager
def observing(
    connection: Connection, watch: Watch, paths: Mapping[str, Path], *, seconds: float = math.inf
) -> Iterator[Observer]:
    """An observer of a connection for the length of a block.

    `paths` names the files whose lines are wanted: by the name that Python knows each by, as it is
    to be shown. A statement that would begin after so many seconds raises TooLong instead.
    """
    observer = Observer(connection, watch, paths, seconds)
    observer.listen()
    try:
        yield observer
    finally:
        observer.close()


def _shown(parameters: Any, many: bool) -> str:
    first = parameters[0] if many and parameters else parameters
    text = repr(first) if first else ""
    return text if len(text) <= SHOWN_PARAMETERS else f"{text[: SHOWN_PARAMETERS - 3]}..."
