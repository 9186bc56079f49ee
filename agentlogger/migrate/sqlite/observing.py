"""What SQLite tells of a statement: its tables, the rows it wrote, and how long it worked.

SQLite counts no rows read, but it tells each thousand instructions of its virtual machine. That
number is the same in every run and grows with the rows, so it stands for them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from agentlogger.migrate.options import BLOCK_MAX, Options
from agentlogger.migrate.trial.estimating import Estimate, Wait
from agentlogger.migrate.trial.observing import Effects, Watch

THE_DATABASE = "the database"
"""SQLite has one lock for all of it."""

WRITE = "WRITE"

INSTRUCTIONS_EACH = 100
"""How often the virtual machine reports; a row costs ten or more, so rows in the tens are seen."""

READS = {sqlite3.SQLITE_READ}
WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}

TEMPORARY = "_alembic_tmp_"
"""What Alembic calls the copy that is to replace a table."""

INDEXES = re.compile(r"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\b", re.IGNORECASE)

REWRITES = re.compile(r"\s*ALTER\s+TABLE\s.*\bDROP\s+COLUMN\b", re.IGNORECASE | re.DOTALL)
"""SQLite writes every row anew without the column."""


@dataclass
class Tables:
    """What a statement was prepared for."""

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    indexed: set[str] = field(default_factory=set)


class SQLiteWatch:
    """Listens to SQLite's authorizer and to its count of instructions."""

    def __init__(self, connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        self._raw: sqlite3.Connection = raw
        self._there = {
            str(row[0]) for row in raw.execute("SELECT name FROM sqlite_master WHERE type='table'")
        }
        self._tables = Tables()
        self._prepared: dict[str, Tables] = {}
        self._reports = 0
        self._changes = 0
        self._statement = ""
        raw.set_authorizer(self._authorize)
        raw.set_progress_handler(self._report, INSTRUCTIONS_EACH)

    def before(self, statement: str) -> None:
        """Begin to count."""
        self._statement = statement
        self._tables = Tables()
        self._reports = 0
        self._changes = self._raw.total_changes

    def after(self) -> Effects:
        """What has been counted since."""
        changes = self._raw.total_changes - self._changes
        if self._tables == Tables():
            # Python keeps prepared statements, and the authorizer is asked once for each.
            self._tables = self._prepared.get(self._statement, self._tables)
        tables = self._prepared[self._statement] = self._tables
        # What comes next without being watched is not this statement's.
        self._tables = Tables()
        effects = Effects(
            touched=tables.read | tables.written | tables.indexed,
            indexed=set(tables.indexed),
            locks={THE_DATABASE: WRITE},
            work=float(self._reports * INSTRUCTIONS_EACH),
        )
        changed = sorted(tables.written)
        if changes > 0 and changed:
            # With triggers there may be several, of which SQLite tells the sum alone.
            effects.written[changed[0]] = changes
        effects.rewritten = self._rewritten(tables)
        return effects

    def _rewritten(self, tables: Tables) -> set[str]:
        copied = {
            table.removeprefix(TEMPORARY)
            for table in tables.written
            if table.startswith(TEMPORARY) and tables.read
        }
        if REWRITES.match(self._statement):
            copied |= tables.read | tables.written
        return copied & self._there

    def failed(self) -> None:
        """Nothing was begun."""

    def close(self) -> None:
        """Listen no more."""
        # What interrupts a program closes its connections before this.
        with suppress(sqlite3.ProgrammingError):
            self._raw.set_progress_handler(None, 0)
            self._raw.set_authorizer(None)

    def _report(self) -> int:
        self._reports += 1
        return 0

    def _authorize(
        self,
        action: int,
        first: str | None,
        second: str | None,
        _database: str | None,
        _by: str | None,
    ) -> int:
        """Note what a statement is prepared for, and allow it."""
        if action == sqlite3.SQLITE_CREATE_INDEX:
            # SQLite asks again for those that it reads from the schema.
            if INDEXES.match(self._statement):
                self._tables.indexed.add(str(second))
        elif action == sqlite3.SQLITE_ALTER_TABLE:
            self._tables.read.add(str(second))
        elif first and not first.startswith("sqlite_"):
            if action in READS:
                self._tables.read.add(first)
            elif action in WRITES:
                self._tables.written.add(first)
        return sqlite3.SQLITE_OK


def watch(connection: Connection) -> Watch:
    """What tells of the statements of this connection, which is to a scratch database."""
    return SQLiteWatch(connection)


def lock_by_text(statement: str) -> str | None:  # noqa: ARG001  (the protocol's)
    """The one lock: a migration's transaction takes it at its beginning."""
    return WRITE


def stops(mode: str) -> str:
    """Whom the one lock keeps waiting."""
    return "writes" if mode == WRITE else ""


def waits(
    estimates: Sequence[Estimate],  # noqa: ARG001  (the protocol's)
    seconds: float,
    options: Options,
    revision: Any,
) -> list[Wait]:
    """The one write lock, which a revision holds from its beginning to its end."""
    most = options.number(BLOCK_MAX, revision)
    return [Wait(what=THE_DATABASE, lock=WRITE, seconds=seconds, stops="writes", most=most)]
