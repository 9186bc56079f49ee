"""What operations take away, told as the history told it, so that the way back works on both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column

from agentlogger.migrate.writing.recalling import Recalled


def as_told(operations: Iterable[Any], recalled: Recalled) -> Iterator[Any]:
    """These operations, whose ways back have the columns of the history's own files."""
    for operation in operations:
        match operation:
            case ops.DropColumnOp():
                yield _column(operation, recalled)
            case ops.DropTableOp():
                yield _table(operation, recalled)
            case ops.AlterColumnOp() if type(operation) is ops.AlterColumnOp:
                yield _altered(operation, recalled)
            case _:
                yield operation


def _column(operation: ops.DropColumnOp, recalled: Recalled) -> ops.DropColumnOp:
    table, found = operation.table_name, operation.to_column()
    if found.type is None or operation._reverse is None:  # noqa: SLF001  (no public reading)
        return operation
    column = recalled.column(table, operation.column_name, found)
    return ops.DropColumnOp.from_column_and_tablename(operation.schema, table, column)


def _table(operation: ops.DropTableOp, recalled: Recalled) -> ops.DropTableOp:
    way_back = operation._reverse  # noqa: SLF001  (no public reading)
    if way_back is None:
        return operation
    for column in way_back.columns:
        if isinstance(column, Column):
            told = recalled.column(operation.table_name, column.name, column)
            column.type = told.type
            if column.server_default is not None:
                column.server_default = told.server_default
    return operation


def _altered(operation: ops.AlterColumnOp, recalled: Recalled) -> ops.AlterColumnOp:
    table, name = operation.table_name, operation.column_name
    operation.existing_type = recalled.type_of(table, name, operation.existing_type)
    told = recalled.columns.get((table, name))
    if told is not None and operation.existing_server_default:
        operation.existing_server_default = told.server_default
    return operation
