"""What an operation does, in the words of a revision's message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic.operations import MigrateOperation, ops

from agentlogger.migrate.verbs import AddEnumValueOp, RetireEnumValueOp
from agentlogger.migrate.writing.operations import table_of

SAID_AT_MOST = 3
"""How many things a message names; the file has the others."""

KINDS = {
    "unique": "unique",
    "foreignkey": "foreign key",
    "check": "check",
    "primary": "primary key",
}
"""What Alembic calls the kinds of constraints, as a person does."""


def said(operation: Any) -> str:
    """What an operation does to what."""
    for kind, words in SAID.items():
        if isinstance(operation, kind):
            return words(operation)
    told = operation.to_diff_tuple()[:2] if isinstance(operation, MigrateOperation) else ()
    return " ".join(map(str, told)) or f"alter table {table_of(operation)}"


def _kind(operation: Any) -> str:
    return KINDS.get(str(operation.constraint_type), "constraint")


def _name(operation: Any) -> str:
    return getattr(operation, "constraint_name", None) or f"of {table_of(operation)}"


def _altered(operation: ops.AlterColumnOp) -> str:
    column = f"{operation.table_name}.{operation.column_name}"
    if operation.modify_name:
        return f"rename column {column} to {operation.modify_name}"
    if operation.modify_type is not None:
        return f"change type of {column}"
    if operation.modify_nullable is not None:
        return f"let {column} be empty" if operation.modify_nullable else f"make {column} NOT NULL"
    if operation.modify_server_default is not False:
        return f"change default of {column}"
    return f"change comment of {column}"


SAID: dict[type[Any], Callable[[Any], str]] = {
    ops.CreateTableOp: lambda one: f"create table {one.table_name}",
    ops.DropTableOp: lambda one: f"drop table {one.table_name}",
    ops.RenameTableOp: lambda one: f"rename table {one.table_name} to {one.new_table_name}",
    ops.AddColumnOp: lambda one: f"add column {one.table_name}.{one.column.name}",
    ops.DropColumnOp: lambda one: f"drop column {one.table_name}.{one.column_name}",
    ops.AlterColumnOp: _altered,
    ops.CreateIndexOp: lambda one: f"create index {one.index_name}",
    ops.DropIndexOp: lambda one: f"drop index {one.index_name}",
    ops.DropConstraintOp: lambda one: f"drop {_kind(one)} {_name(one)}",
    ops.AddConstraintOp: lambda one: f"create {_kind(one)} {_name(one)}",
    AddEnumValueOp: lambda one: f"add value {one.value} to {one.type_name}",
    RetireEnumValueOp: lambda one: f"drop value {one.value} of {one.type_name}",
}


def message_of(message: str | None, says: Sequence[str]) -> str:
    """The message of one file of several: what the whole is for, and what this one does."""
    things = list(dict.fromkeys(says))
    more = len(things) - SAID_AT_MOST
    named = ", ".join(things[:SAID_AT_MOST])
    return f"{message}: {named}{f' and {more} more' if more > 0 else ''}"
