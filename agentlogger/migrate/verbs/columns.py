"""NOT NULL, set and dropped while others write."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops

from agentlogger.migrate.verbs.carrying_out import carrier
from agentlogger.migrate.verbs.verb import Verb, prefix_of


@Operations.register_operation("set_not_null_online")
class SetNotNullOnlineOp(Verb, ops.AlterColumnOp):
    """A column that is made NOT NULL while others write."""

    def __init__(
        self, table_name: str, column_name: str, *, schema: str | None = None, **kw: Any
    ) -> None:
        told = {"existing_nullable": True} | kw | {"modify_nullable": False}
        super().__init__(table_name, column_name, schema=schema, **told)

    @classmethod
    def set_not_null_online(
        cls,
        operations: Operations,
        table_name: str,
        column_name: str,
        *,
        schema: str | None = None,
    ) -> None:
        """Make a column NOT NULL while others read and write.

        On PostgreSQL a CHECK says it first, made NOT VALID under a short lock and validated, each
        partition by itself; then the column is made NOT NULL without a look at any row, and the
        CHECK dropped. On SQLite the table is copied. A column that is NOT NULL already stays.

        Raises Failed, and leaves nothing, where rows have nothing there. Under Citus nothing
        differs.
        """
        operations.invoke(cls(table_name, column_name, schema=schema))

    @property
    def copies(self) -> tuple[str, ...]:
        """The table that SQLite copies for it."""
        return (self.table_name,)

    def reverse(self) -> DropNotNullOnlineOp:
        """The operation that takes it back."""
        return DropNotNullOnlineOp(
            self.table_name, self.column_name, schema=self.schema, **_known(self)
        )


@Operations.register_operation("drop_not_null_online")
class DropNotNullOnlineOp(Verb, ops.AlterColumnOp):
    """A column that may be empty from now on."""

    def __init__(
        self, table_name: str, column_name: str, *, schema: str | None = None, **kw: Any
    ) -> None:
        told = {"existing_nullable": False} | kw | {"modify_nullable": True}
        super().__init__(table_name, column_name, schema=schema, **told)

    @classmethod
    def drop_not_null_online(
        cls,
        operations: Operations,
        table_name: str,
        column_name: str,
        *,
        schema: str | None = None,
    ) -> None:
        """Let a column be empty, under a short lock. On SQLite the table is copied.

        What a `set_not_null_online` that was killed has left goes too. Under Citus nothing differs.
        """
        operations.invoke(cls(table_name, column_name, schema=schema))

    @property
    def copies(self) -> tuple[str, ...]:
        """The table that SQLite copies for it."""
        return (self.table_name,)

    def reverse(self) -> SetNotNullOnlineOp:
        """The operation that takes it back."""
        return SetNotNullOnlineOp(
            self.table_name, self.column_name, schema=self.schema, **_known(self)
        )


def not_null_online(
    operation: ops.AlterColumnOp,
) -> SetNotNullOnlineOp | DropNotNullOnlineOp | None:
    """The verb for Alembic's `alter_column`, where it changes nothing else."""
    others = (operation.modify_type, operation.modify_name)
    kept = (operation.modify_server_default, operation.modify_comment)
    if operation.modify_nullable is None or others != (None, None) or kept != (False, False):
        return None
    verb = DropNotNullOnlineOp if operation.modify_nullable else SetNotNullOnlineOp
    return verb(
        operation.table_name, operation.column_name, schema=operation.schema, **_known(operation)
    )


def _known(operation: ops.AlterColumnOp) -> dict[str, Any]:
    """What is known of the column and does not change."""
    return {
        "existing_type": operation.existing_type,
        "existing_server_default": operation.existing_server_default,
        "existing_comment": operation.existing_comment,
    }


@Operations.implementation_for(SetNotNullOnlineOp)
def _set(operations: Operations, operation: SetNotNullOnlineOp) -> None:
    carrier(operations).set_not_null(operations, operation)


@Operations.implementation_for(DropNotNullOnlineOp)
def _drop(operations: Operations, operation: DropNotNullOnlineOp) -> None:
    carrier(operations).drop_not_null(operations, operation)


@renderers.dispatch_for(SetNotNullOnlineOp)
def _render_set(context: AutogenContext, operation: SetNotNullOnlineOp) -> str:
    return _rendered(context, operation, "set_not_null_online")


@renderers.dispatch_for(DropNotNullOnlineOp)
def _render_drop(context: AutogenContext, operation: DropNotNullOnlineOp) -> str:
    return _rendered(context, operation, "drop_not_null_online")


def _rendered(context: AutogenContext, operation: ops.AlterColumnOp, verb: str) -> str:
    words = [repr(str(operation.table_name)), repr(str(operation.column_name))]
    if operation.schema:
        words.append(f"schema={str(operation.schema)!r}")
    return f"{prefix_of(context)}{verb}({', '.join(words)})"
