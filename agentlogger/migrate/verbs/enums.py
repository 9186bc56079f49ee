"""Enums and their values, made, added and retired while others write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations

from agentlogger.migrate.verbs.carrying_out import carrier
from agentlogger.migrate.verbs.verb import Verb, prefix_of


class _EnumValue(Verb, MigrateOperation):
    """A value of an enum."""

    verb = ""

    def __init__(
        self,
        type_name: str,
        value: str,
        *,
        after: str | None = None,
        before: str | None = None,
        schema: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        self.type_name = type_name
        self.value = value
        self.after = after
        self.before = before
        self.schema = schema
        self.columns = tuple(columns)

    @property
    def copies(self) -> tuple[str, ...]:
        """The tables that SQLite copies for it."""
        return tuple(dict.fromkeys(one.rpartition(".")[0] for one in self.columns))

    def to_diff_tuple(self) -> tuple[str, str, str]:
        """What `check` says of it."""
        return self.verb, self.type_name, self.value

    def rendered(self, context: AutogenContext, *names: str) -> str:
        """The call, with those of the named options that are not empty."""
        given = [(name, getattr(self, name)) for name in (*names, "schema", "columns")]
        words = [repr(self.type_name), repr(self.value)]
        words += [
            f"{name}={list(value) if isinstance(value, tuple) else value!r}"
            for name, value in given
            if value
        ]
        return f"{prefix_of(context)}{self.verb}({', '.join(words)})"


@Operations.register_operation("add_enum_value")
class AddEnumValueOp(_EnumValue):
    """A value that an enum has from now on."""

    verb = "add_enum_value"

    @classmethod
    def add_enum_value(
        cls,
        operations: Operations,
        type_name: str,
        value: str,
        *,
        after: str | None = None,
        before: str | None = None,
        schema: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        """Let an enum have another value, after or before one that it has, else as the last.

        On PostgreSQL the type of this name gets the label, outside a transaction, and no row is
        looked at; a label that is there stays where it is. SQLite has no types: there `columns`,
        written as "table.column", have a length and maybe a CHECK that lists the values, and their
        tables are copied where that must change. Under Citus nothing differs.
        """
        operations.invoke(
            cls(type_name, value, after=after, before=before, schema=schema, columns=columns)
        )

    def reverse(self) -> RetireEnumValueOp:
        """The operation that takes it back, as far as that can be."""
        return RetireEnumValueOp(**_arguments(self))


@Operations.register_operation("retire_enum_value")
class RetireEnumValueOp(_EnumValue):
    """A value that an enum has no more, as far as the database can forget it."""

    verb = "retire_enum_value"

    @classmethod
    def retire_enum_value(
        cls,
        operations: Operations,
        type_name: str,
        value: str,
        *,
        schema: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        """Let an enum have a value no more: the downgrade of `add_enum_value`.

        On SQLite it is taken out of the CHECKs of these columns; raises Failed where rows hold it.
        On PostgreSQL nothing is done: it takes no label away, and a program that does not know
        this one does not write it. Rows that hold it stay, and an older program cannot read them:
        change them first.
        """
        operations.invoke(cls(type_name, value, schema=schema, columns=columns))

    def reverse(self) -> AddEnumValueOp:
        """The operation that takes it back."""
        return AddEnumValueOp(**_arguments(self))


class _Enum(Verb, MigrateOperation):
    """An enum with its values."""

    phase = "expand"
    verb = ""

    def __init__(self, type_name: str, values: Sequence[str], *, schema: str | None = None) -> None:
        self.type_name = type_name
        self.values = tuple(values)
        self.schema = schema

    def to_diff_tuple(self) -> tuple[str, str]:
        """What `check` says of it."""
        return self.verb, self.type_name

    def rendered(self, context: AutogenContext) -> str:
        """The call of the verb."""
        words = [repr(self.type_name), repr(list(self.values))]
        words += [f"schema={self.schema!r}"] if self.schema else []
        return f"{prefix_of(context)}{self.verb}({', '.join(words)})"


@Operations.register_operation("create_enum")
class CreateEnumOp(_Enum):
    """An enum that columns can be of from now on."""

    verb = "create_enum"

    @classmethod
    def create_enum(
        cls,
        operations: Operations,
        type_name: str,
        values: Sequence[str],
        *,
        schema: str | None = None,
    ) -> None:
        """Make an enum type, unless it is there; columns of it then have `create_type=False`.

        On SQLite, which has no types, nothing is done. Raises Differs where the type is there with
        other values. Under Citus nothing differs.
        """
        operations.invoke(cls(type_name, values, schema=schema))

    def reverse(self) -> DropEnumOp:
        """The operation that takes it back."""
        return DropEnumOp(self.type_name, self.values, schema=self.schema)


@Operations.register_operation("drop_enum")
class DropEnumOp(_Enum):
    """An enum that no column is of any more."""

    phase = "contract"
    verb = "drop_enum"

    @classmethod
    def drop_enum(
        cls,
        operations: Operations,
        type_name: str,
        values: Sequence[str] = (),
        *,
        schema: str | None = None,
    ) -> None:
        """Drop an enum type, if it is there. `values` are what it had, for who takes it back.

        On SQLite nothing is done. Under Citus nothing differs.
        """
        operations.invoke(cls(type_name, values, schema=schema))

    def reverse(self) -> CreateEnumOp:
        """The operation that takes it back."""
        return CreateEnumOp(self.type_name, self.values, schema=self.schema)


def _arguments(operation: _EnumValue) -> dict[str, Any]:
    return dict(vars(operation))


@Operations.implementation_for(AddEnumValueOp)
def _add(operations: Operations, operation: AddEnumValueOp) -> None:
    carrier(operations).add_enum_value(
        operations,
        operation.type_name,
        operation.value,
        after=operation.after,
        before=operation.before,
        schema=operation.schema,
        columns=operation.columns,
    )


@Operations.implementation_for(RetireEnumValueOp)
def _retire(operations: Operations, operation: RetireEnumValueOp) -> None:
    carrier(operations).retire_enum_value(
        operations,
        operation.type_name,
        operation.value,
        schema=operation.schema,
        columns=operation.columns,
    )


@renderers.dispatch_for(AddEnumValueOp)
def _render_add(context: AutogenContext, operation: AddEnumValueOp) -> str:
    return operation.rendered(context, "after", "before")


@renderers.dispatch_for(RetireEnumValueOp)
def _render_retire(context: AutogenContext, operation: RetireEnumValueOp) -> str:
    return operation.rendered(context)


@Operations.implementation_for(CreateEnumOp)
def _create(operations: Operations, operation: CreateEnumOp) -> None:
    carrier(operations).create_enum(
        operations, operation.type_name, operation.values, schema=operation.schema
    )


@Operations.implementation_for(DropEnumOp)
def _drop(operations: Operations, operation: DropEnumOp) -> None:
    carrier(operations).drop_enum(operations, operation.type_name, schema=operation.schema)


@renderers.dispatch_for(CreateEnumOp)
def _render_create(context: AutogenContext, operation: CreateEnumOp) -> str:
    return operation.rendered(context)


@renderers.dispatch_for(DropEnumOp)
def _render_drop(context: AutogenContext, operation: DropEnumOp) -> str:
    return operation.rendered(context)
