"""What the history has said of indexes, CHECKs and enums: the words of a revision's author.

A database tells its own form of them. What a revision was written with works on both databases, so
it is what takes a change back; and SQLite, which has no types, does not tell an enum at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Table
from sqlalchemy.types import TypeEngine

from agentlogger.migrate.comparing.types import enum_of
from agentlogger.migrate.revisions.naming import final_name
from agentlogger.migrate.revisions.recording import Recorded
from agentlogger.migrate.verbs import AddEnumValueOp, CreateEnumOp, RetireEnumValueOp


@dataclass
class Former:
    """Things by the name of their table and their own; of each the last that was said."""

    context: MigrationContext
    """Its naming convention makes the names."""
    indexes: dict[tuple[str, str], ops.CreateIndexOp] = field(default_factory=dict)
    checks: dict[tuple[str, str], ops.CreateCheckConstraintOp] = field(default_factory=dict)
    enums: dict[tuple[str, str], str] = field(default_factory=dict)
    """The enum of each column that has one, by its name."""
    labels: dict[str, list[str]] = field(default_factory=dict)
    """The values of each enum, in order."""

    def values(self, table: str, column: str) -> tuple[str, ...] | None:
        """The values that a column may have; None where it is not known to be of an enum."""
        name = self.enums.get((table, column))
        return None if name is None else tuple(self.labels[name])

    def take(self, recorded: Recorded) -> None:
        """Add what one revision says."""
        made = iter(recorded.made)
        for operation in recorded.operations:
            if isinstance(operation, ops.CreateTableOp):
                self._take_table(next(made))
                continue
            for kind, act in self._acts().items():
                if isinstance(operation, kind):
                    act(operation)

    def _acts(self) -> Mapping[type[Any], Callable[[Any], None]]:
        return {
            ops.CreateIndexOp: self._take_index,
            ops.CreateCheckConstraintOp: self._take_check,
            ops.AddColumnOp: lambda one: self._take_column(
                one.table_name, one.column.name, one.column.type
            ),
            ops.AlterColumnOp: self._alter,
            ops.RenameTableOp: self._rename,
            CreateEnumOp: self._take_enum,
            AddEnumValueOp: self._add_value,
            RetireEnumValueOp: self._retire_value,
        }

    def _take_table(self, table: Table) -> None:
        for column in table.columns:
            self._take_column(table.name, column.name, column.type)
        for index in table.indexes:
            self._take_index(ops.CreateIndexOp.from_index(index))
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint):
                made = ops.CreateCheckConstraintOp.from_constraint(constraint)
                self._keep_check(made, constraint)

    def _take_index(self, operation: ops.CreateIndexOp) -> None:
        self.indexes[operation.table_name, str(operation.index_name)] = operation

    def _take_check(self, operation: ops.CreateCheckConstraintOp) -> None:
        self._keep_check(operation, operation.to_constraint(self.context))

    def _keep_check(
        self, operation: ops.CreateCheckConstraintOp, constraint: CheckConstraint
    ) -> None:
        name = final_name(constraint, self.context.dialect)
        if name is not None:
            self.checks[operation.table_name, name] = operation

    def _take_column(self, table: str, column: str, type_: TypeEngine[Any]) -> None:
        enum = enum_of(type_)
        self.enums.pop((table, column), None)
        if enum is not None:
            self.enums[table, column] = str(enum.name)
            self.labels.setdefault(str(enum.name), list(enum.enums))

    def _alter(self, operation: ops.AlterColumnOp) -> None:
        table, column = operation.table_name, operation.column_name
        if operation.modify_type is not None:
            self._take_column(table, column, operation.modify_type)
        if operation.modify_name and (table, column) in self.enums:
            self.enums[table, operation.modify_name] = self.enums.pop((table, column))

    def _rename(self, operation: ops.RenameTableOp) -> None:
        for kept in (self.indexes, self.checks, self.enums):
            things: dict[tuple[str, str], Any] = kept
            for table, name in list(things):
                if table == operation.table_name:
                    things[operation.new_table_name, name] = things.pop((table, name))

    def _take_enum(self, operation: CreateEnumOp) -> None:
        self.labels[operation.type_name] = list(operation.values)

    def _add_value(self, operation: AddEnumValueOp) -> None:
        labels = self.labels.setdefault(operation.type_name, [])
        if operation.value in labels:
            return
        place = len(labels)
        if operation.after in labels:
            place = labels.index(str(operation.after)) + 1
        if operation.before in labels:
            place = labels.index(str(operation.before))
        labels.insert(place, operation.value)

    def _retire_value(self, operation: RetireEnumValueOp) -> None:
        labels = self.labels.get(operation.type_name, [])
        if operation.value in labels:
            labels.remove(operation.value)


def former(recorded: Iterable[Recorded], context: MigrationContext) -> Former:
    """What these revisions say, parents first; `context` has the naming convention."""
    made = Former(context)
    for one in recorded:
        made.take(one)
    return made
