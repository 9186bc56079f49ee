"""Columns of a table that get a value in the rows that are there, while others write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.causes import BadOption
from agentlogger.migrate.options import seconds
from agentlogger.migrate.verbs.carrying_out import carrier
from agentlogger.migrate.verbs.verb import Verb, prefix_of


@Operations.register_operation("backfill")
class BackfillOp(Verb, MigrateOperation):
    """Columns that are filled in batches."""

    phase = "backfill"

    def __init__(
        self,
        table_name: str,
        assignments: Mapping[str, str],
        *,
        where: str | None = None,
        name: str | None = None,
        key: Sequence[str] | None = None,
        schema: str | None = None,
        batch: str | float | None = None,
    ) -> None:
        self.table_name = table_name
        self.assignments = dict(assignments)
        self.where = where
        self.name = name or f"{table_name}_{'_'.join(self.assignments)}"
        self.key = tuple(key or ())
        self.schema = schema
        self.batch = batch

    @classmethod
    def backfill(
        cls,
        operations: Operations,
        table: str,
        set: Mapping[str, str],  # noqa: A002  (SQL's word, and a revision's)
        where: str | None = None,
        *,
        name: str | None = None,
        key: Sequence[str] | None = None,
        schema: str | None = None,
        batch: str | float | None = None,
    ) -> None:
        """Give columns a value in the rows that are there, without keeping anybody from writing.

        `set` maps columns to SQL expressions over a row, and `where` is an SQL condition that holds
        for the rows that need them, and no longer for those that have got them, such as
        "full_name IS NULL". Give one: rows that an older program writes meanwhile are found by it.
        Without one, every row that is there is written once.

        A table of at most `backfill-inline` rows, and any table of SQLite, is filled at once, in
        the revision's transaction. A larger one of PostgreSQL is only registered with it, and is
        filled afterwards in batches, by the service itself or by `flask db backfill run`. A
        revision that needs it filled says so, with `needs_backfills = ("name",)`; the name is that
        of the table and the columns, joined by underscores, unless `name` gives another.

        The table is walked by its primary key, or by the columns of `key`: an index must begin with
        them, and none may be empty. `batch` is how long one batch may take, such as "200ms".

        What takes it back is nothing: a downgrade of its revision forgets how far it has come.
        Raises Refused where the table cannot be walked, or the name is taken. It has not been tried
        under Citus.
        """
        operations.invoke(
            cls(table, set, where=where, name=name, key=key, schema=schema, batch=batch)
        )

    @property
    def definition(self) -> Definition:
        """What it does, as the database keeps it. Raises BadOption for a batch that is no time."""
        if not self.assignments:
            raise BadOption(f"op.backfill of {self.table_name} sets no column: name one in `set`.")
        batch = None if self.batch is None else seconds(f"batch of {self.name}", self.batch)
        return Definition(
            name=self.name,
            table=str(self.table_name),
            schema=self.schema,
            assignments=tuple(self.assignments.items()),
            where=self.where,
            key=self.key,
            batch_seconds=batch,
        )

    @property
    def statements(self) -> Iterable[str]:
        """What it amounts to, for those who read what a revision does."""
        return [self.definition.update(lambda name: name if name.isidentifier() else f'"{name}"')]

    def reverse(self) -> ForgetBackfillOp:
        """The operation that takes it back: the values stay, or go with their column."""
        return ForgetBackfillOp()

    def to_diff_tuple(self) -> tuple[str, str, str]:
        """What `check` says of it."""
        return "backfill", str(self.table_name), self.name


class ForgetBackfillOp(Verb, MigrateOperation):
    """Nothing: the downgrade of its revision forgets a backfill."""

    phase = "backfill"

    def reverse(self) -> MigrateOperation:
        """Nothing either: what was filled is not known any more."""
        return self

    def to_diff_tuple(self) -> tuple[str]:
        """What `check` says of it."""
        return ("forget_backfill",)


@Operations.implementation_for(BackfillOp)
def _backfill(operations: Operations, operation: BackfillOp) -> None:
    carrier(operations).backfill(operations, operation.definition)


@Operations.implementation_for(ForgetBackfillOp)
def _forget(operations: Operations, operation: ForgetBackfillOp) -> None:
    """Nothing."""


@renderers.dispatch_for(BackfillOp)
def _render(context: AutogenContext, operation: BackfillOp) -> str:
    words = [repr(str(operation.table_name)), f"set={operation.assignments!r}"]
    is_default = operation.name == f"{operation.table_name}_{'_'.join(operation.assignments)}"
    given: dict[str, Any] = {
        "where": operation.where,
        "name": None if is_default else operation.name,
        "key": list(operation.key) or None,
        "schema": operation.schema,
        "batch": operation.batch,
    }
    words += [f"{name}={value!r}" for name, value in given.items() if value is not None]
    return f"{prefix_of(context)}backfill({', '.join(words)})"


@renderers.dispatch_for(ForgetBackfillOp)
def _render_nothing(context: AutogenContext, operation: ForgetBackfillOp) -> list[str]:  # noqa: ARG001  (a renderer's)
    return []
