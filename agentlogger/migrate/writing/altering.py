"""`alter_column` taken apart: what it changes is done at different times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.operations import ops


def apart(operation: ops.AlterColumnOp) -> Iterator[ops.AlterColumnOp]:
    """One `alter_column` for what can be changed at once, one for the type, one for NOT NULL."""
    if operation.modify_name:
        yield operation
        return
    default = operation.modify_server_default
    if operation.modify_type is not None:
        # A default is of the column's type, so they change together.
        yield _with(
            operation,
            modify_type=operation.modify_type,
            modify_server_default=default,
            **operation.kw,
        )
        default = False
    if (default, operation.modify_comment) != (False, False):
        yield _with(
            operation, modify_server_default=default, modify_comment=operation.modify_comment
        )
    if operation.modify_nullable is not None:
        yield _with(operation, modify_nullable=operation.modify_nullable)
    if operation.modify_type is None and operation.kw:
        yield _with(operation, **operation.kw)


def _with(operation: ops.AlterColumnOp, **changes: Any) -> ops.AlterColumnOp:
    """The same column with these changes alone."""
    return ops.AlterColumnOp(
        operation.table_name,
        operation.column_name,
        schema=operation.schema,
        existing_type=operation.existing_type,
        existing_nullable=operation.existing_nullable,
        existing_server_default=operation.existing_server_default,
        existing_comment=operation.existing_comment,
        **changes,
    )
