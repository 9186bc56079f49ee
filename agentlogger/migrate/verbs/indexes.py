"""Indexes that are built and dropped while others write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations, ops
from sqlalchemy import ColumnElement, TextClause

from agentlogger.migrate.verbs.carrying_out import carrier
from agentlogger.migrate.verbs.verb import Verb, rendered


@Operations.register_operation("create_index_online")
class CreateIndexOnlineOp(Verb, ops.CreateIndexOp):
    """An index that is built while others write."""

    @classmethod
    def create_index_online(
        cls,
        operations: Operations,
        index_name: str,
        table_name: str,
        columns: Sequence[str | TextClause | ColumnElement[Any]],
        *,
        schema: str | None = None,
        unique: bool = False,
        **kw: Any,
    ) -> None:
        """Build an index while others read and write.

        Takes what `op.create_index` takes, such as `postgresql_where`, `postgresql_using`,
        `postgresql_include` and `sqlite_where`.

        On PostgreSQL it is CREATE INDEX CONCURRENTLY, outside a transaction: what the revision has
        done before is committed. An INVALID index that a killed run has left is dropped first, and
        one that is valid is taken as done. On a partitioned table it is made ON ONLY the table,
        built CONCURRENTLY on each partition and attached; partitions that are attached meanwhile
        bring their own. On SQLite it is a plain index in the revision's transaction.

        Raises Failed, and leaves nothing, where `unique` rows are not; Differs where there is
        another index of this name. `--sql` writes it for a table that is not partitioned, or
        without CONCURRENTLY where the models say that it is. Under Citus nothing differs.
        """
        operations.invoke(cls(index_name, table_name, columns, schema=schema, unique=unique, **kw))

    def reverse(self) -> DropIndexOnlineOp:
        """The operation that takes it back."""
        return DropIndexOnlineOp.from_index(self.to_index())


@Operations.register_operation("drop_index_online")
class DropIndexOnlineOp(Verb, ops.DropIndexOp):
    """An index that is dropped while others write."""

    @classmethod
    def drop_index_online(
        cls,
        operations: Operations,
        index_name: str,
        table_name: str,
        *,
        schema: str | None = None,
        **kw: Any,
    ) -> None:
        """Drop an index while others read and write, if it is there.

        On PostgreSQL it is DROP INDEX CONCURRENTLY, outside a transaction. That of a partitioned
        table is dropped under a lock on the table and its partitions, for a moment; what a build
        that was killed has left on partitions goes too. Raises Differs where the name stands for
        another table's index. Under Citus nothing differs.
        """
        operations.invoke(cls(index_name, table_name, schema=schema, **kw))

    @classmethod
    def from_index(cls, index: Any) -> DropIndexOnlineOp:
        """The operation that drops this index."""
        made = super().from_index(index)
        assert isinstance(made, cls)  # noqa: S101  (Alembic makes one of its own class)
        return made

    def reverse(self) -> CreateIndexOnlineOp:
        """The operation that makes it again. Raises ValueError where its columns are not known."""
        if self._reverse is None:
            raise ValueError("index cannot be produced; original index is not present")
        made = CreateIndexOnlineOp.from_index(self.to_index())
        assert isinstance(made, CreateIndexOnlineOp)  # noqa: S101  (likewise)
        return made


@Operations.implementation_for(CreateIndexOnlineOp)
def _create(operations: Operations, operation: CreateIndexOnlineOp) -> None:
    carrier(operations).create_index(operations, operation)


@Operations.implementation_for(DropIndexOnlineOp)
def _drop(operations: Operations, operation: DropIndexOnlineOp) -> None:
    carrier(operations).drop_index(operations, operation)


@renderers.dispatch_for(CreateIndexOnlineOp)
def _render_create(context: AutogenContext, operation: CreateIndexOnlineOp) -> str:
    plain = ops.CreateIndexOp.from_index(operation.to_index())
    return rendered(context, plain, "create_index_online")


@renderers.dispatch_for(DropIndexOnlineOp)
def _render_drop(context: AutogenContext, operation: DropIndexOnlineOp) -> str:
    plain = ops.DropIndexOp(operation.index_name, operation.table_name, schema=operation.schema)
    return rendered(context, plain, "drop_index_online")
