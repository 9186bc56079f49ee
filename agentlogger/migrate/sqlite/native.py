"""SQLite's own ALTER wherever it exists, instead of Alembic's copy of the whole table.

Alembic's batch mode copies for everything but ADD COLUMN. SQLite renames a column since 3.25 and
drops one since 3.35, unless something else refers to it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any

from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations import ops
from alembic.operations.batch import BatchOperationsImpl
from sqlalchemy import Column, Computed, Connection, DefaultClause, text

from agentlogger.migrate.revisions.recording import Recorded
from agentlogger.migrate.sqlite.tables import about

DROPS_SINCE = (3, 35, 0)

COPIED_BYTES_PER_SECOND = 60_000_000
"""What a table copy writes, with its indexes and the sync at the end: 60 to 140 MB/s measured for
rows of 0.1 to 0.8 KB. The slow end, since the estimate protects a running server."""

CHANGED_ROWS_PER_SECOND = 300_000
"""What an UPDATE or DELETE without an index of its own does, measured the same way."""

REWRITTEN_BYTES_PER_SECOND = 150_000_000
"""What SQLite's own DROP COLUMN writes, which takes the column out of every row: 156 to 208 MB/s
measured for rows of 0.05 to 0.8 KB."""

INDEXED_ROWS_PER_SECOND = 700_000
"""What CREATE INDEX does: 1.3 to 2.1 million measured for one to three columns, and less where the
sort does not fit into memory."""

SAMPLED_ROWS = 500

CONSTANT = re.compile(
    r"\s*(?:[+-]?\d+(?:\.\d+)?|'(?:[^']|'')*'|X'[0-9A-F]*'|NULL|TRUE|FALSE)\s*", re.IGNORECASE
)
"""A default that every row of a table can have without being written."""

DROPPING = re.compile(r'^\s*ALTER\s+TABLE\s+"?(?P<table>\w+)"?\s+DROP\s', re.IGNORECASE)

INDEXING = re.compile(
    r"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s.*?\sON\s+\"?(?P<table>\w+)", re.IGNORECASE | re.DOTALL
)

CHANGING = re.compile(
    r'^\s*(?:UPDATE|DELETE\s+FROM|INSERT\s+INTO\s+\S+\s.*\bFROM)\s+"?(?P<table>\w+)"?',
    re.IGNORECASE | re.DOTALL,
)


class NativeSQLiteImpl(SQLiteImpl):
    """Alembic's SQLite, with a copy of the table only where SQLite cannot alter it."""

    __dialect__ = "sqlite"

    def requires_recreate_in_batch(self, batch_op: BatchOperationsImpl) -> bool:
        """Whether the table must be copied for these operations."""
        left = []
        gone: set[str] = set()
        for name, arguments, options in batch_op.batch:
            native = False
            if name == "drop_index":
                gone.add(str(arguments[0].name))
            if self.connection is not None and name == "drop_column":
                native = can_drop(self.connection, batch_op.table_name, arguments[1].name, gone)
            elif name == "alter_column":
                native = _only_renames(options)
            elif name == "add_column":
                native = _can_add(arguments[1])
            if not native:
                left.append((name, arguments, options))
        rest: Any = type("Rest", (), {"batch": left})()
        return bool(super().requires_recreate_in_batch(rest))


def can_drop(connection: Connection, table: str, column: str, gone: Collection[str] = ()) -> bool:
    """Whether `ALTER TABLE DROP COLUMN` will do: nothing names the column but indexes `gone`."""
    if sqlite3.sqlite_version_info < DROPS_SINCE:
        return False
    run = connection.exec_driver_sql
    quoted = connection.dialect.identifier_preparer.quote(table)
    if any(row[1] == column and row[5] for row in run(f"PRAGMA table_xinfo({quoted})")):
        return False
    if any(row[3] == column for row in run(f"PRAGMA foreign_key_list({quoted})")):
        return False
    indexes = [row[1] for row in run(f"PRAGMA index_list({quoted})") if row[1] not in gone]
    for index in map(connection.dialect.identifier_preparer.quote, indexes):
        if any(row[2] == column for row in run(f"PRAGMA index_info({index})")):
            return False
    return not _is_mentioned(connection, table, column, gone)


def _is_mentioned(connection: Connection, table: str, column: str, gone: Collection[str]) -> bool:
    """Whether anything but its own definition may mean this column: a CHECK, a view, a trigger."""
    word = re.compile(rf"\b{re.escape(column)}\b", re.IGNORECASE)
    schema = text("SELECT type, name, tbl_name, sql FROM sqlite_master")
    for kind, name, of, sql in connection.execute(schema):
        mentions = 0 if name in gone else len(word.findall(sql or ""))
        if kind == "table" and name == table:
            if mentions > 1:
                return True
        elif mentions and (of == table or kind in {"view", "trigger"} or table in (sql or "")):
            return True
    return False


def long_blocks(connection: Connection, recorded: Recorded) -> list[tuple[str, float]]:
    """What would hold SQLite's one write lock, and for how many seconds as far as can be told."""
    tables = {
        str(name)
        for name in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table'")
        ).scalars()
    }
    copied = [
        table
        for table, operations in recorded.batches.items()
        if table in tables and _copies(connection, table, operations)
    ]
    found = [
        (f"a copy of table {table}", _bytes(connection, table) / COPIED_BYTES_PER_SECOND)
        for table in copied
    ]
    for operation in recorded.operations:
        table = str(getattr(operation, "table_name", None))
        if isinstance(operation, ops.CreateIndexOp) and table in tables:
            found.append(_index(connection, table))
        elif isinstance(operation, ops.DropColumnOp) and table in tables - set(copied):
            found.append(_rewrite(connection, table))
    for statement in recorded.statements:
        for pattern, cost in ((CHANGING, _change), (INDEXING, _index), (DROPPING, _rewrite)):
            match = pattern.search(statement)
            if match and match["table"] in tables:
                _, seconds = cost(connection, match["table"])
                found.append((f"`{' '.join(statement.split())[:60]}`", seconds))
    return found


def _change(connection: Connection, table: str) -> tuple[str, float]:
    return f"a change of table {table}", about(connection, table)[0] / CHANGED_ROWS_PER_SECOND


def _index(connection: Connection, table: str) -> tuple[str, float]:
    return f"an index of table {table}", about(connection, table)[0] / INDEXED_ROWS_PER_SECOND


def _rewrite(connection: Connection, table: str) -> tuple[str, float]:
    return f"a rewrite of table {table}", _bytes(connection, table) / REWRITTEN_BYTES_PER_SECOND


def _copies(connection: Connection, table: str, operations: Iterable[Any]) -> bool:
    gone: set[str] = set()
    for operation in operations:
        if isinstance(operation, ops.DropIndexOp):
            gone.add(str(operation.index_name))
        if isinstance(operation, ops.DropColumnOp):
            native = can_drop(connection, table, operation.column_name, gone)
        elif isinstance(operation, ops.AlterColumnOp):
            native = _renames_alone(operation)
        elif isinstance(operation, ops.AddColumnOp):
            native = _can_add(operation.column)
        else:
            native = isinstance(operation, ops.CreateIndexOp | ops.DropIndexOp | ops.ExecuteSQLOp)
        if not native:
            return True
    return False


def _can_add(column: Column[Any]) -> bool:
    """Whether `ALTER TABLE ADD COLUMN` will do, which wants a constant where it wants a value."""
    default = column.server_default
    if isinstance(default, Computed):
        return not default.persisted
    if not isinstance(default, DefaultClause) or isinstance(default.arg, str):
        return True
    return CONSTANT.fullmatch(str(default.arg)) is not None


def _renames_alone(operation: ops.AlterColumnOp) -> bool:
    return (
        operation.modify_name is not None
        and operation.modify_nullable is None
        and operation.modify_type is None
        and operation.modify_server_default is False
    )


def _only_renames(options: dict[str, Any]) -> bool:
    return (
        options.get("name") is not None
        and options.get("nullable") is None
        and options.get("type_") is None
        and options.get("server_default", False) is False
    )


def _bytes(connection: Connection, table: str) -> float:
    quote = connection.dialect.identifier_preparer.quote
    columns = connection.exec_driver_sql(f"PRAGMA table_info({quote(table)})").all()
    width = " + ".join(f"coalesce(length(CAST({quote(row[1])} AS BLOB)), 0) + 2" for row in columns)
    sampled = connection.execute(
        text(f"SELECT avg(n) FROM (SELECT {width} AS n FROM {quote(table)} LIMIT {SAMPLED_ROWS})")  # noqa: S608  (quoted)
    ).scalar()
    return about(connection, table)[0] * float(sampled or 0)
