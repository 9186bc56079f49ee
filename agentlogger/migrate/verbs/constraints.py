"""Constraints that are made and dropped while others write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from sqlalchemy import ColumnElement, Constraint, TextClause

from agentlogger.migrate.verbs.carrying_out import carrier
from agentlogger.migrate.verbs.verb import Verb, rendered


@Operations.register_operation("create_unique_online")
class CreateUniqueOnlineOp(Verb, ops.CreateUniqueConstraintOp):
    """A UNIQUE constraint that is made while others write."""

    @classmethod
    def create_unique_online(
        cls,
        operations: Operations,
        constraint_name: str,
        table_name: str,
        columns: Sequence[str],
        *,
        schema: str | None = None,
        **kw: Any,
    ) -> None:
        """Make a UNIQUE constraint while others read and write.

        Takes what `op.create_unique_constraint` takes, such as `deferrable`,
        `postgresql_include` and `postgresql_nulls_not_distinct`.

        On PostgreSQL a unique index of this name is built CONCURRENTLY, and the constraint takes
        it over under a short lock. On a partitioned table each partition's constraint takes over
        its own, and their indexes are attached to that of the table; the columns by which it is
        partitioned must be among `columns`. On SQLite the table is copied.

        Raises Failed, and leaves nothing, where rows are not unique; Differs where there is
        another constraint or index of this name. Under Citus no constraint takes over an index of
        a distributed table: use `op.create_index_online(..., unique=True)` there, with the
        distribution column; this verb refuses before it has done anything.
        """
        operations.invoke(cls(constraint_name, table_name, columns, schema=schema, **kw))

    @property
    def copies(self) -> tuple[str, ...]:
        """The table that SQLite copies for it."""
        return (self.table_name,)

    def reverse(self) -> DropConstraintOnlineOp:
        """The operation that takes it back."""
        return _drop_of(self.to_constraint())


@Operations.register_operation("create_foreign_key_online")
class CreateForeignKeyOnlineOp(Verb, ops.CreateForeignKeyOp):
    """A foreign key that is made while others write."""

    @classmethod
    def create_foreign_key_online(  # noqa: PLR0917  (as Alembic has them)
        cls,
        operations: Operations,
        constraint_name: str,
        source_table: str,
        referent_table: str,
        local_cols: Sequence[str],
        remote_cols: Sequence[str],
        *,
        onupdate: str | None = None,
        ondelete: str | None = None,
        deferrable: bool | None = None,
        initially: str | None = None,
        match: str | None = None,
        source_schema: str | None = None,
        referent_schema: str | None = None,
        **kw: Any,
    ) -> None:
        """Make a foreign key while others read and write both tables.

        On PostgreSQL it is made NOT VALID under a short lock, then validated; one that a killed
        run has left NOT VALID is validated. On a partitioned table each partition gets its own,
        and the table's adopts them: that takes an ACCESS EXCLUSIVE lock on the other table for a
        moment. A partition that is attached in that moment has its rows checked under the lock. On
        SQLite the table is copied, and the rows are checked at the end of the revision.

        Raises Failed, and leaves nothing, where rows refer to nothing; Differs where there is
        another constraint of this name. Under Citus a distributed table refers to reference
        tables, and to tables that are distributed alike by columns that hold the distribution
        column.
        """
        given = {
            "onupdate": onupdate,
            "ondelete": ondelete,
            "deferrable": deferrable,
            "initially": initially,
            "match": match,
            "source_schema": source_schema,
            "referent_schema": referent_schema,
        }
        options = {key: value for key, value in given.items() if value is not None} | kw
        operations.invoke(
            cls(
                constraint_name,
                source_table,
                referent_table,
                list(local_cols),
                list(remote_cols),
                **options,
            )
        )

    @property
    def copies(self) -> tuple[str, ...]:
        """The table that SQLite copies for it."""
        return (self.source_table,)

    def reverse(self) -> DropConstraintOnlineOp:
        """The operation that takes it back."""
        return _drop_of(self.to_constraint())


@Operations.register_operation("create_check_online")
class CreateCheckOnlineOp(Verb, ops.CreateCheckConstraintOp):
    """A CHECK that is made while others write."""

    @classmethod
    def create_check_online(
        cls,
        operations: Operations,
        constraint_name: str,
        table_name: str,
        condition: str | TextClause | ColumnElement[Any],
        *,
        schema: str | None = None,
        **kw: Any,
    ) -> None:
        """Make a CHECK while others read and write.

        The naming convention makes of its name what it makes in `op.create_check_constraint`, so a
        name that is whole is written as `op.f("ck_people_age")`.

        On PostgreSQL it is made NOT VALID under a short lock, then validated, each partition by
        itself; partitions that are attached meanwhile have it. One of this name that is there is
        only validated: texts cannot be compared. On SQLite the table is copied.

        Raises Failed, and leaves nothing, where rows do not fit it; Differs where the name stands
        for a constraint that is no CHECK. Under Citus nothing differs.
        """
        operations.invoke(cls(constraint_name, table_name, condition, schema=schema, **kw))

    @property
    def copies(self) -> tuple[str, ...]:
        """The table that SQLite copies for it."""
        return (self.table_name,)

    def reverse(self) -> DropConstraintOnlineOp:
        """The operation that takes it back."""
        return _drop_of(self.to_constraint())


@Operations.register_operation("drop_constraint_online")
class DropConstraintOnlineOp(Verb, ops.DropConstraintOp):
    """A constraint that is dropped while others write."""

    @classmethod
    def drop_constraint_online(
        cls,
        operations: Operations,
        constraint_name: str,
        table_name: str,
        type_: str | None = None,
        *,
        schema: str | None = None,
    ) -> None:
        """Drop a constraint under a short lock, if it is there.

        `type_` is `unique`, `foreignkey`, `check` or `primary`: by it PostgreSQL's verb knows what
        a run that was killed may have left on partitions, and SQLite's copies the table without
        it. Dropping a foreign key locks the other table for a moment as well. Under Citus nothing
        differs.
        """
        operations.invoke(cls(constraint_name, table_name, type_, schema=schema))

    @property
    def copies(self) -> tuple[str, ...]:
        """The table that SQLite copies for it."""
        return (self.table_name,)

    def reverse(self) -> ops.AddConstraintOp:
        """The operation that makes it again. Raises ValueError where its text is not known.

        For a constraint that has no verb, such as EXCLUDE, it is Alembic's own.
        """
        made = ops.AddConstraintOp.from_constraint(self.to_constraint())
        return ONLINE[type(made)](made) if type(made) in ONLINE else made


def _drop_of(constraint: Constraint) -> DropConstraintOnlineOp:
    made = DropConstraintOnlineOp.from_constraint(constraint)
    assert isinstance(made, DropConstraintOnlineOp)  # noqa: S101  (Alembic makes its own class)
    return made


def unique_online(operation: Any) -> CreateUniqueOnlineOp:
    """The verb for Alembic's `create_unique_constraint`."""
    return CreateUniqueOnlineOp(
        operation.constraint_name,
        operation.table_name,
        operation.columns,
        schema=operation.schema,
        **operation.kw,
    )


def foreign_key_online(operation: Any) -> CreateForeignKeyOnlineOp:
    """The verb for Alembic's `create_foreign_key`."""
    return CreateForeignKeyOnlineOp(
        operation.constraint_name,
        operation.source_table,
        operation.referent_table,
        operation.local_cols,
        operation.remote_cols,
        **operation.kw,
    )


def check_online(operation: Any) -> CreateCheckOnlineOp:
    """The verb for Alembic's `create_check_constraint`."""
    return CreateCheckOnlineOp(
        operation.constraint_name,
        operation.table_name,
        operation.condition,
        schema=operation.schema,
        **operation.kw,
    )


def dropping(operation: ops.DropConstraintOp) -> DropConstraintOnlineOp:
    """The verb for Alembic's `drop_constraint`."""
    return DropConstraintOnlineOp(
        operation.constraint_name,
        operation.table_name,
        operation.constraint_type,
        schema=operation.schema,
        _reverse=operation._reverse,  # noqa: SLF001  (Alembic's constructors take it)
    )


ONLINE: dict[type[ops.AddConstraintOp], Callable[[Any], ops.AddConstraintOp]] = {
    ops.CreateUniqueConstraintOp: unique_online,
    ops.CreateForeignKeyOp: foreign_key_online,
    ops.CreateCheckConstraintOp: check_online,
}
"""What makes the verb for an operation of Alembic's."""


@Operations.implementation_for(CreateUniqueOnlineOp)
def _create_unique(operations: Operations, operation: CreateUniqueOnlineOp) -> None:
    carrier(operations).create_unique(operations, operation)


@Operations.implementation_for(CreateForeignKeyOnlineOp)
def _create_foreign_key(operations: Operations, operation: CreateForeignKeyOnlineOp) -> None:
    carrier(operations).create_foreign_key(operations, operation)


@Operations.implementation_for(CreateCheckOnlineOp)
def _create_check(operations: Operations, operation: CreateCheckOnlineOp) -> None:
    carrier(operations).create_check(operations, operation)


@Operations.implementation_for(DropConstraintOnlineOp)
def _drop(operations: Operations, operation: DropConstraintOnlineOp) -> None:
    carrier(operations).drop_constraint(operations, operation)


@renderers.dispatch_for(CreateUniqueOnlineOp)
def _render_unique(context: AutogenContext, operation: CreateUniqueOnlineOp) -> str:
    plain = ops.CreateUniqueConstraintOp.from_constraint(operation.to_constraint())
    return rendered(context, plain, "create_unique_online")


@renderers.dispatch_for(CreateForeignKeyOnlineOp)
def _render_foreign_key(context: AutogenContext, operation: CreateForeignKeyOnlineOp) -> str:
    plain = ops.CreateForeignKeyOp.from_constraint(operation.to_constraint())
    return rendered(context, plain, "create_foreign_key_online")


@renderers.dispatch_for(CreateCheckOnlineOp)
def _render_check(context: AutogenContext, operation: CreateCheckOnlineOp) -> str:
    plain = ops.CreateCheckConstraintOp.from_constraint(operation.to_constraint())
    return rendered(context, plain, "create_check_online")


@renderers.dispatch_for(DropConstraintOnlineOp)
def _render_drop(context: AutogenContext, operation: DropConstraintOnlineOp) -> str:
    plain = ops.DropConstraintOp(
        operation.constraint_name,
        operation.table_name,
        operation.constraint_type,
        schema=operation.schema,
    )
    return rendered(context, plain, "drop_constraint_online")
