"""Which enums the columns of a model have, wherever in their types they stand."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ARRAY, Column, Enum, Table, TypeDecorator
from sqlalchemy.types import TypeEngine


def enum_of(type_: TypeEngine[object]) -> Enum | None:
    """The enum of a column's type: the type itself, or what it is a list or a form of."""
    while True:
        if isinstance(type_, TypeDecorator):
            type_ = type_.impl_instance
        elif isinstance(type_, ARRAY):
            type_ = type_.item_type
        else:
            return type_ if isinstance(type_, Enum) and type_.name else None


def enum_columns(table: Table) -> Iterator[tuple[Column[object], Enum]]:
    """The columns of a table that have an enum, with it."""
    for column in table.columns:
        found = enum_of(column.type)
        if found is not None:
            yield column, found


def enums_of(table: Table) -> list[Enum]:
    """The enums of a table, each once."""
    return list({(one.schema, one.name): one for _, one in enum_columns(table)}.values())
