"""What a database must be able to do for the verbs; `postgresql.verbs` and `sqlite.verbs` can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from alembic.operations import Operations, ops

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.loading import Loaded


class Carrier(Protocol):
    """How one database carries out the verbs.

    Every method finds what a run that was killed has left of it, goes on from there, and does
    nothing where all is done. Raises Failed where rows stand against it, Differs where a name
    stands for something else, and Refused where `--sql` cannot write it.
    """

    def create_index(self, operations: Operations, operation: ops.CreateIndexOp) -> None:
        """Make an index while others write, if the database can."""

    def drop_index(self, operations: Operations, operation: ops.DropIndexOp) -> None:
        """Drop an index while others write, if the database can."""

    def create_unique(
        self, operations: Operations, operation: ops.CreateUniqueConstraintOp
    ) -> None:
        """Make a UNIQUE constraint."""

    def create_foreign_key(self, operations: Operations, operation: ops.CreateForeignKeyOp) -> None:
        """Make a foreign key, and check the rows."""

    def create_check(self, operations: Operations, operation: ops.CreateCheckConstraintOp) -> None:
        """Make a CHECK, and check the rows."""

    def drop_constraint(self, operations: Operations, operation: ops.DropConstraintOp) -> None:
        """Drop a constraint of any kind."""

    def set_not_null(self, operations: Operations, operation: ops.AlterColumnOp) -> None:
        """Make a column NOT NULL."""

    def drop_not_null(self, operations: Operations, operation: ops.AlterColumnOp) -> None:
        """Let a column be empty."""

    def create_enum(
        self,
        operations: Operations,
        type_name: str,
        values: Sequence[str],
        *,
        schema: str | None,
    ) -> None:
        """Make an enum."""

    def drop_enum(self, operations: Operations, type_name: str, *, schema: str | None) -> None:
        """Drop an enum."""

    def add_enum_value(
        self,
        operations: Operations,
        type_name: str,
        value: str,
        *,
        after: str | None,
        before: str | None,
        schema: str | None,
        columns: Sequence[str],
    ) -> None:
        """Let an enum have another value."""

    def retire_enum_value(
        self,
        operations: Operations,
        type_name: str,
        value: str,
        *,
        schema: str | None,
        columns: Sequence[str],
    ) -> None:
        """Let an enum have a value no more, as far as the database can."""

    def backfill(self, operations: Operations, definition: Definition) -> None:
        """Fill columns of a table, or have that done later."""


CARRIERS: Mapping[str, Carrier] = Loaded(
    {name: f"agentlogger.migrate.{name}.verbs" for name in ("postgresql", "sqlite")}
)

if TYPE_CHECKING:  # For mypy alone, which compares both with the protocol.
    from agentlogger.migrate.postgresql import verbs as on_postgresql
    from agentlogger.migrate.sqlite import verbs as on_sqlite

    CHECKED: tuple[Carrier, ...] = (on_postgresql, on_sqlite)


def carrier(operations: Operations) -> Carrier:
    """Who carries out the verbs on the database of these operations. Raises Refused."""
    name = operations.migration_context.dialect.name
    if name not in CARRIERS:
        raise Refused(
            f"The verbs of online migrations know {' and '.join(CARRIERS)}, and not {name}: use "
            "Alembic's own operations in the revision, then run the same command again."
        )
    return CARRIERS[name]
