"""Which operations are written in `batch_alter_table`, since SQLite may copy the table for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column, DefaultClause
from sqlalchemy.types import SchemaType

from agentlogger.migrate.verbs import Verb
from agentlogger.migrate.writing.operations import schema_of, table_of

BATCHED = (
    ops.AddConstraintOp,
    ops.AlterColumnOp,
    ops.CreateTableCommentOp,
    ops.DropColumnOp,
    ops.DropConstraintOp,
    ops.DropTableCommentOp,
)
"""What SQLite cannot do to a table, or only sometimes; of comments it knows nothing at all."""


def in_batches(operations: Iterable[Any]) -> list[Any]:
    """Operations as they are written: in a batch where SQLite needs one.

    Those of one table that follow each other share a batch, which is one copy of it at most. An
    index is dropped in that of its column, so that SQLite need not copy the table for the column.
    """
    found: list[Any] = []
    waiting = list(operations)
    losing = {table_of(one) for one in waiting if isinstance(one, ops.DropColumnOp)}
    for operation in waiting:
        table = table_of(operation)
        goes_along = isinstance(operation, ops.DropIndexOp) and table in losing
        if isinstance(operation, Verb) or not (goes_along or _is_batched(operation)):
            found.append(operation)
            continue
        last = found[-1] if found else None
        if isinstance(last, ops.ModifyTableOps) and last.table_name == table:
            last.ops.append(operation)
        else:
            found.append(ops.ModifyTableOps(str(table), [operation], schema=schema_of(operation)))
    return found


def _is_batched(operation: Any) -> bool:
    if isinstance(operation, ops.AddColumnOp):
        return _needs_batch(operation.column)
    return isinstance(operation, BATCHED)


def _needs_batch(column: Column[Any]) -> bool:
    """Whether SQLite may copy the table to add a column: for an expression, or for a CHECK."""
    default: Any = column.server_default
    if default is not None and not (
        isinstance(default, DefaultClause) and isinstance(default.arg, str)
    ):
        return True
    return isinstance(column.type, SchemaType) and bool(
        getattr(column.type, "create_constraint", False)
    )
