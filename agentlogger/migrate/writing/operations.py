"""Alembic's operations as a list: which table each is about, and what takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from agentlogger.migrate.verbs import online


def flattened(container: Any) -> Iterator[Any]:
    """The operations within containers of operations."""
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from flattened(operation)
        else:
            yield operation


def table_of(operation: Any) -> str | None:
    """The table that an operation is about; of a foreign key the one that has it."""
    return getattr(operation, "table_name", None) or getattr(operation, "source_table", None)


def schema_of(operation: Any) -> str | None:
    """The schema of that table, None for the default one."""
    own = getattr(operation, "schema", None)
    if own is None and isinstance(operation, ops.CreateForeignKeyOp):
        own = operation.kw.get("source_schema")
    return own


def columns_of(operation: Any) -> frozenset[str]:
    """The columns that an index or constraint is on, as far as they are named."""
    item = item_of(operation)
    found = getattr(item, "columns", None)
    return frozenset(str(one.name) for one in found or ())


def item_of(operation: Any) -> Any:
    """The index or constraint that is made or dropped; None where that is not known."""
    try:
        if isinstance(operation, ops.CreateIndexOp | ops.DropIndexOp):
            return operation.to_index()
        if isinstance(operation, ops.AddConstraintOp | ops.DropConstraintOp):
            return operation.to_constraint()
    except ValueError:
        # It was dropped by its name alone.
        return None
    return None


def reverses(operation: Any, *, as_verb: bool = True) -> list[Any]:
    """What takes an operation back, as a verb where there is one; nothing where nothing does."""
    if isinstance(operation, ops.RenameTableOp):
        return [
            ops.RenameTableOp(
                operation.new_table_name, operation.table_name, schema=operation.schema
            )
        ]
    if isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
        return [_renamed_back(operation)]
    try:
        made = operation.reverse()
    except (NotImplementedError, ValueError):
        return []
    return [(online(made) or made) if as_verb else made]


def _renamed_back(operation: ops.AlterColumnOp) -> ops.AlterColumnOp:
    return ops.AlterColumnOp(
        operation.table_name,
        str(operation.modify_name),
        schema=operation.schema,
        modify_name=operation.column_name,
        existing_type=operation.existing_type,
        existing_nullable=operation.existing_nullable,
    )


def first(operations: Iterable[Any], kind: type[Any], **told: Any) -> Any:
    """The first operation of a class that has these attributes, or None."""
    for one in operations:
        if isinstance(one, kind) and all(
            getattr(one, name) == value for name, value in told.items()
        ):
            return one
    return None


def added(operations: Iterable[Any], table: str, column: str) -> ops.AddColumnOp | None:
    """What adds this column, or None."""
    for one in operations:
        is_add = isinstance(one, ops.AddColumnOp)
        if is_add and (one.table_name, one.column.name) == (table, column):
            return one  # type: ignore[no-any-return]
    return None


@renderers.dispatch_for(ops.RenameTableOp)
def _written(context: AutogenContext, operation: ops.RenameTableOp) -> str:
    """A rename as code, which Alembic itself never writes."""
    prefix = context.opts["alembic_module_prefix"]
    return f"{prefix}rename_table({operation.table_name!r}, {operation.new_table_name!r})"
