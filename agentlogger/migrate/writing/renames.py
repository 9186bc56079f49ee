"""Renames: what `-x rename=` says is written as one, instead of a drop and something new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column

from agentlogger.migrate.causes import BadOption
from agentlogger.migrate.options import Options
from agentlogger.migrate.writing.operations import added, first, table_of


def with_renames(operations: Sequence[Any], options: Options) -> list[Any]:
    """These operations with the renames that were told, each before all else.

    What is on a renamed column stays on it: an index that is dropped for another name is then on a
    column of another name, and its way back makes it on that. Raises BadOption for a rename that
    fits nothing.
    """
    found = list(operations)
    renames: list[Any] = []
    for word in options.words("rename"):
        old, _, new = word.partition(":")
        if not old or not new:
            raise BadOption(f"-x rename={word} must be table.column:new_name or table:new_name.")
        table, _, column = old.partition(".")
        done = (
            _column(found, table, column, new.rpartition(".")[2])
            if column
            else _table(found, table, new)
        )
        if done is None:
            raise BadOption(
                f"-x rename={word} does not fit: the models must have dropped {old} and added "
                f"{new}, and autogenerate has found no such pair."
            )
        renames.append(done)
    return [*renames, *found]


def _column(found: list[Any], table: str, old: str, new: str) -> ops.AlterColumnOp | None:
    drop = first(found, ops.DropColumnOp, table_name=table, column_name=old)
    add = added(found, table, new)
    if drop is None or add is None:
        return None
    found[:] = [
        _moved(one, table, table, {old: new}) for one in found if one is not drop and one is not add
    ]
    return ops.AlterColumnOp(
        table,
        old,
        schema=drop.schema,
        modify_name=new,
        existing_type=add.column.type,
        existing_nullable=add.column.nullable,
    )


def _table(found: list[Any], old: str, new: str) -> ops.RenameTableOp | None:
    drop = first(found, ops.DropTableOp, table_name=old)
    add = first(found, ops.CreateTableOp, table_name=new)
    if drop is None or add is None:
        return None
    inner = [one for one in found if table_of(one) in {old, new} and one not in {drop, add}]
    # Those that keep their names stay with the table, and others are made anew.
    dropped = {one.index_name for one in inner if isinstance(one, ops.DropIndexOp)}
    made = {one.index_name for one in inner if isinstance(one, ops.CreateIndexOp)}
    moved = [
        _moved(one, old, new, {})
        for one in inner
        if isinstance(one, ops.DropIndexOp | ops.CreateIndexOp)
        and one.index_name not in dropped & made
    ]
    others = [one for one in found if one not in {drop, add, *inner}]
    found[:] = [*others, *moved]
    return ops.RenameTableOp(old, new, schema=drop.schema)


def _moved(operation: Any, table: str, to: str, columns: dict[str, str]) -> Any:
    """A dropped index or constraint of a table, on the table and columns as they are called now."""
    if not isinstance(operation, ops.DropIndexOp | ops.DropConstraintOp):
        if table_of(operation) == table and hasattr(operation, "table_name"):
            operation.table_name = to
        return operation
    if operation.table_name != table:
        return operation
    try:
        made: Any = operation.reverse()
    except ValueError:
        operation.table_name = to
        return operation
    if isinstance(made, ops.CreateForeignKeyOp):
        made.source_table = to
        made.local_cols = [columns.get(one, one) for one in made.local_cols]
    else:
        made.table_name = to
        if hasattr(made, "columns"):
            names = [one.name if isinstance(one, Column) else one for one in made.columns]
            made.columns = [columns.get(one, one) for one in names]
    return made.reverse()
