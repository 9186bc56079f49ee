"""Names as statements take them, and those of constraints that the models do not name.

A verb finds by its name what a run that was killed has left, so each has one. They are those that
PostgreSQL would give, and autogenerate compares a constraint without a name by its columns.
"""

from __future__ import annotations

from typing import Any

from alembic.operations import ops
from sqlalchemy import make_url

from agentlogger.migrate.revisions.recording import dialect_of

PREPARER = dialect_of(make_url("postgresql://")).identifier_preparer
"""Quotes a name where it needs it; SQLite takes the same quotes."""

LONGEST = 63
"""Bytes of a name in PostgreSQL, which cuts off the rest."""

ENDINGS: tuple[tuple[type[Any], str], ...] = (
    (ops.CreateForeignKeyOp, "fkey"),
    (ops.CreateUniqueConstraintOp, "key"),
    (ops.CreateCheckConstraintOp, "check"),
)


def quoted(name: str, schema: str | None = None) -> str:
    """A name as a statement takes it, on both databases."""
    own = PREPARER.quote(name)
    return f"{PREPARER.quote(schema)}.{own}" if schema else own


def named(operation: Any) -> Any:
    """The operation, with a name for its constraint where it had none."""
    if isinstance(operation, ops.DropConstraintOp) and operation.constraint_name is None:
        try:
            return named(operation.reverse()).reverse()
        except ValueError:
            return operation
    if not isinstance(operation, ops.AddConstraintOp):
        return operation
    if getattr(operation, "constraint_name", "") is None:
        operation.constraint_name = _name(operation)  # type: ignore[attr-defined]
    return operation


def _name(operation: Any) -> str:
    table = getattr(operation, "source_table", None) or operation.table_name
    columns = getattr(operation, "local_cols", None) or getattr(operation, "columns", None) or ()
    ending = next((word for kind, word in ENDINGS if isinstance(operation, kind)), "constraint")
    words = [table, *(str(getattr(one, "name", one)) for one in columns)]
    return f"{'_'.join(words)[: LONGEST - len(ending) - 1]}_{ending}"
