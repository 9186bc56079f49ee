"""What PostgreSQL tells of a statement: its locks, the rows it read and wrote, what it rewrote."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from agentlogger.migrate.options import Options
from agentlogger.migrate.postgresql.lock_modes import (
    OUTSIDE,
    STOPS_WRITERS,
    mode_by_text,
    mode_of,
    strongest,
)
from agentlogger.migrate.trial.estimating import Estimate, Wait
from agentlogger.migrate.trial.observing import Effects, Watch

NOTICED_SECONDS = 0.5
"""A client that waits longer for a lock notices; the same bound as the deploy promise."""

RELATIONS = """
SELECT c.oid, c.relkind, coalesce(i.indrelid, c.oid), c.relfilenode,
 greatest(c.reltuples, 0)::bigint,
 coalesce(pg_partition_root(coalesce(i.indrelid, c.oid)), i.indrelid, c.oid)::regclass::text,
 CASE WHEN i.indrelid IS NULL THEN coalesce(pg_stat_get_xact_tuples_returned(c.oid), 0) ELSE 0 END
  + coalesce(pg_stat_get_xact_tuples_fetched(c.oid), 0),
 coalesce(pg_stat_get_xact_tuples_inserted(c.oid), 0)
  + coalesce(pg_stat_get_xact_tuples_updated(c.oid), 0)
  + coalesce(pg_stat_get_xact_tuples_deleted(c.oid), 0)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'i') AND c.relpersistence <> 't'
 AND c.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
  WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))
"""
"""Each table, and each index with the name of its table. A sequential scan counts as tuples
returned by the table, an index scan as tuples fetched by the index, or by a bitmap's table."""

LOCKS = """
SELECT relation, mode FROM pg_catalog.pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
"""

PATIENCE = "SELECT setting::integer FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'"
"""In milliseconds; 0 is for ever."""

ROW_LOCKS = "ROW LOCKS"

STOPS = {"ACCESS EXCLUSIVE": "reads and writes", ROW_LOCKS: "changes of the same rows"}
"""Whom a lock keeps waiting, where it is not every writer."""

MOST = {ROW_LOCKS: math.inf}
"""Records are inserted and not changed, so locks of rows are told and not judged."""

MILLISECONDS = 1000

CHANGES = re.compile(r"\s*(?:UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)

EMPTIES = re.compile(r"\s*TRUNCATE\b", re.IGNORECASE)
"""Gives a table another file, and writes no row."""


@dataclass(frozen=True)
class Relation:
    """A table, or an index with its table's name; rows of the running transaction."""

    kind: str
    of: int
    """The table's oid."""
    file: int
    rows: int
    table: str
    read: int
    written: int

    @property
    def is_index(self) -> bool:
        """Whether it is an index and no table."""
        return self.kind == "i"


class PostgreSQLWatch:
    """Compares the catalogue, the counters and the locks of one session before and after."""

    def __init__(self, connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        self._raw = raw
        with self._raw.cursor() as cursor:
            relations = _relations(cursor)
        self._end_reading()
        self._there = {oid: one.table for oid, one in relations.items() if not one.is_index}
        self._statement = ""
        self._before: Mapping[int, Relation] = {}
        self._is_wrapped = False

    def before(self, statement: str) -> None:
        """Note how things are, and keep the statement's locks in sight where that can be.

        In autocommit mode it gets a transaction of its own, which means the same to it, unless it
        is one of those that refuse to be in one.
        """
        self._statement = statement
        self._is_wrapped = bool(self._raw.autocommit) and not OUTSIDE.search(statement)
        with self._raw.cursor() as cursor:
            if self._is_wrapped:
                cursor.execute("BEGIN")
            self._before = _relations(cursor)

    def after(self) -> Effects:
        """What has changed since."""
        with self._raw.cursor() as cursor:
            relations = _relations(cursor)
            effects = self._compared(relations)
            if self._is_outside:
                self._guess_locks(relations, effects)
            else:
                cursor.execute(LOCKS)
                self._note_locks(cursor.fetchall(), effects)
            cursor.execute(PATIENCE)
            effects.patience = (cursor.fetchone()[0] or math.inf) / MILLISECONDS
            if self._is_wrapped:
                cursor.execute("COMMIT")
        return effects

    def failed(self) -> None:
        """End the transaction that the statement had for itself."""
        if self._is_wrapped:
            with self._raw.cursor() as cursor:
                cursor.execute("ROLLBACK")

    def close(self) -> None:
        """Nothing is left on the connection."""

    @property
    def _is_outside(self) -> bool:
        return bool(self._raw.autocommit) and not self._is_wrapped

    def _end_reading(self) -> None:
        if not self._raw.autocommit:
            self._raw.rollback()

    def _compared(self, relations: Mapping[int, Relation]) -> Effects:
        effects = Effects()
        built: dict[str, int] = {}
        for oid, now in relations.items():
            was = self._before.get(oid)
            table = self._there.get(now.of, now.table)
            _count(effects.read, table, now.read - (was.read if was else 0))
            _count(effects.written, table, now.written - (was.written if was else 0))
            has_new_file = was is None or was.file != now.file
            if now.is_index and has_new_file:
                effects.indexed.add(table)
                _count(built, table, now.rows)
            elif has_new_file and oid in self._there and not EMPTIES.match(self._statement):
                effects.rewritten.add(table)
        for table, rows in built.items():
            # Of a build by several processes, only one counts its rows here; of one outside a
            # transaction, none does.
            effects.read[table] = max(rows, effects.read.get(table, 0))
        effects.touched = set(effects.read) | set(effects.written)
        effects.work = float(sum(effects.read.values()) + sum(effects.written.values()))
        for table, entries in built.items():
            # Read once for each index; to people, a table has so many rows.
            rows = sum(
                one.rows for one in relations.values() if one.table == table and not one.is_index
            )
            effects.read[table] = min(effects.read[table], rows or entries)
        return effects

    def _note_locks(self, rows: Sequence[tuple[int, str]], effects: Effects) -> None:
        modes: dict[str, list[str]] = {}
        for oid, mode in rows:
            if oid in self._there:
                modes.setdefault(self._there[oid], []).append(mode_of(mode))
        effects.locks = {table: strongest(taken) for table, taken in modes.items()}

    def _guess_locks(self, relations: Mapping[int, Relation], effects: Effects) -> None:
        """By the text, of the tables that it names or whose indexes came and went."""
        mode = mode_by_text(self._statement)
        if mode is None:
            return
        words = set(re.findall(r"\w+", self._statement))
        gone = {one.table for oid, one in self._before.items() if oid not in relations}
        there = set(self._there.values())
        tables = there & (words | gone | effects.indexed)
        effects.locks = dict.fromkeys(tables, mode)


def _relations(cursor: Any) -> dict[int, Relation]:
    cursor.execute(RELATIONS)
    return {row[0]: Relation(*row[1:]) for row in cursor.fetchall()}


def _count(rows: dict[str, int], table: str, number: int) -> None:
    if number > 0:
        rows[table] = rows.get(table, 0) + number


def watch(connection: Connection) -> Watch:
    """What tells of the statements of this connection, which is to a scratch database."""
    return PostgreSQLWatch(connection)


def lock_by_text(statement: str) -> str | None:
    """The strongest lock that a statement takes of the tables it names, as the manual says."""
    return mode_by_text(statement)


def stops(mode: str) -> str:
    """Whom a lock of a table keeps waiting: "", "writes" or "reads and writes"."""
    return STOPS.get(mode, "writes") if mode in STOPS_WRITERS else ""


def waits(
    estimates: Sequence[Estimate],
    seconds: float,  # noqa: ARG001  (the protocol's)
    options: Options,  # noqa: ARG001  (likewise)
    revision: Any,  # noqa: ARG001  (likewise)
) -> list[Wait]:
    """For each table the strong locks of a revision, and for how long they are held.

    A lock is held from the statement that takes it until its transaction ends, so what a revision
    does afterwards counts as well.
    """
    found: dict[tuple[str, str], float] = {}
    for place, estimate in enumerate(estimates):
        held = _held(estimate, estimates[place:])
        locks = [
            (table, mode)
            for table, mode in estimate.observed.seen.locks.items()
            if mode in STOPS_WRITERS
        ]
        if held > NOTICED_SECONDS and CHANGES.match(estimate.observed.sql):
            locks += [(table, ROW_LOCKS) for table in estimate.observed.seen.written]
        for lock in locks:
            found[lock] = max(held, found.get(lock, 0.0))
    return [
        Wait(table, mode, seconds, STOPS.get(mode, "writes"), MOST.get(mode, NOTICED_SECONDS))
        for (table, mode), seconds in found.items()
    ]


def _held(estimate: Estimate, later: Sequence[Estimate]) -> float:
    """How long what a statement locks is locked."""
    if estimate.observed.is_autocommit:
        return estimate.seconds / max(1, estimate.executions)
    transaction = estimate.observed.transaction
    return sum(one.seconds for one in later if one.observed.transaction == transaction)
