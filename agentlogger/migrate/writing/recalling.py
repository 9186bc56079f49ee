"""The columns of the database as the history's own files say them.

A database tells its own form of a type: SQLite has no UUID, no JSON and no enum, and what
PostgreSQL tells does not work on SQLite. What a revision was written with works on both, so that is
what gives a dropped column back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic.operations import ops
from sqlalchemy import JSON, Column, Enum, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ENUM, JSONB
from sqlalchemy.types import DATETIME, TypeEngine

from agentlogger.migrate.comparing.types import enum_of
from agentlogger.migrate.revisions.recording import Recorded
from agentlogger.migrate.verbs import BackfillOp


@dataclass
class Recalled:
    """What the history says: columns by their table and name, of each what was said last."""

    columns: dict[tuple[str, str], Column[Any]] = field(default_factory=dict)
    backfills: set[str] = field(default_factory=set)
    """The names of what has filled columns."""

    @classmethod
    def of(cls, recordings: Iterable[Recorded]) -> Recalled:
        """What these revisions say, parents first."""
        made = cls()
        for recorded in recordings:
            made._take(recorded)
        return made

    def enums(self) -> Mapping[str, Enum]:
        """The enum types of the columns, by schema and name."""
        return enums_of(self.columns.values())

    def without(self, gone: Iterable[tuple[str, str | None]]) -> Recalled:
        """What is left when these are dropped: columns, or where no column is named, tables."""
        lost = set(gone)
        left = {
            (table, name): column
            for (table, name), column in self.columns.items()
            if (table, name) not in lost and (table, None) not in lost
        }
        return Recalled(left)

    def column(self, table: str, name: str, found: Column[Any]) -> Column[Any]:
        """A column as the history says it, else as it was found, in types of both databases."""
        told = self.columns.get((table, name))
        return Column(
            name,
            portable(found.type) if told is None else told.type,
            server_default=_default(found if told is None else told),
            nullable=found.nullable,
            comment=found.comment,
        )

    def type_of(self, table: str, name: str, found: Any) -> Any:
        """The type of a column, likewise."""
        told = self.columns.get((table, name))
        if told is not None:
            return told.type
        return None if found is None else portable(found)

    def _take(self, recorded: Recorded) -> None:
        made = iter(recorded.made)
        for operation in recorded.operations:
            match operation:
                case ops.CreateTableOp():
                    self._take_table(next(made))
                case ops.AddColumnOp():
                    key = operation.table_name, operation.column.name
                    self.columns[key] = _apart(operation.column)
                case ops.DropColumnOp():
                    self.columns.pop((operation.table_name, operation.column_name), None)
                case ops.AlterColumnOp():
                    self._alter(operation)
                case ops.DropTableOp():
                    self.columns = self.without([(operation.table_name, None)]).columns
                case ops.RenameTableOp():
                    self._rename(operation)
                case BackfillOp():
                    self.backfills.add(operation.name)

    def _take_table(self, table: Table) -> None:
        for column in table.columns:
            self.columns[table.name, column.name] = _apart(column)

    def _alter(self, operation: ops.AlterColumnOp) -> None:
        key = operation.table_name, operation.column_name
        column = self.columns.get(key)
        if column is None:
            return
        if operation.modify_type is not None:
            column.type = operation.modify_type
        if operation.modify_server_default is not False:
            given = Column(column.name, column.type, server_default=operation.modify_server_default)
            self.columns[key] = given
        if operation.modify_name:
            self.columns[operation.table_name, operation.modify_name] = self.columns.pop(key)

    def _rename(self, operation: ops.RenameTableOp) -> None:
        for table, name in list(self.columns):
            if table == operation.table_name:
                self.columns[operation.new_table_name, name] = self.columns.pop((table, name))


def _apart(column: Column[Any]) -> Column[Any]:
    """A column without its table, its keys and its names for constraints."""
    return Column(column.name, column.type, server_default=_default(column))


def _default(column: Column[Any]) -> Any:
    """What the database fills a column with, for another column."""
    given: Any = column.computed or column.identity or column.server_default
    return None if given is None else given._copy() if hasattr(given, "_copy") else given.arg  # noqa: SLF001  (no public way)


def enums_of(columns: Iterable[Column[Any]]) -> dict[str, Enum]:
    """The enum types that PostgreSQL has for these columns, by schema and name."""
    found: dict[str, Enum] = {}
    for column in columns:
        type_ = enum_of(column.type)
        if type_ is not None and type_.native_enum:
            found[f"{type_.schema}.{type_.name}" if type_.schema else str(type_.name)] = type_
    return found


def enums_in(metadata: MetaData) -> dict[str, Enum]:
    """The enum types of the models, likewise."""
    return enums_of(column for table in metadata.tables.values() for column in table.columns)


def portable(found: TypeEngine[Any]) -> TypeEngine[Any]:
    """A type as a database tells it, in words that both databases take."""
    if isinstance(found, JSONB):
        return JSONB().with_variant(JSON(), "sqlite")
    if isinstance(found, ENUM):
        return Enum(*found.enums, name=str(found.name), schema=found.schema)
    own = type(found).__module__.startswith("sqlalchemy.dialects")
    if not own and not isinstance(found, DATETIME):
        return found
    try:
        return found.as_generic()
    except NotImplementedError:
        return found.with_variant(Text(), "sqlite")
