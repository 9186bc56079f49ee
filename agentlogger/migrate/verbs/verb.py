"""What all verbs are, beside the operations of Alembic's that each of them stands for."""

from __future__ import annotations

from typing import Any, ClassVar

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops


class Verb:
    """An operation that is carried out while others read and write, as far as the database can."""

    phase: ClassVar[str] = "online"
    """The phase of a revision that has it."""

    @property
    def copies(self) -> tuple[str, ...]:
        """The tables that SQLite copies for it, which keeps every writer waiting."""
        return ()


def rendered(context: AutogenContext, plain: ops.MigrateOperation, verb: str) -> str:
    """The call of a verb, as autogenerate writes it; `plain` is Alembic's operation of its kind.

    A verb is one of `op` even within `batch_alter_table`, since it makes its own batch.
    """
    private: Any = context
    is_in_batch, private._has_batch = private._has_batch, False  # noqa: SLF001  (no public way)
    try:
        text = render.render_op_text(context, plain)
    finally:
        private._has_batch = is_in_batch  # noqa: SLF001  (likewise)
    prefix = prefix_of(context)
    return f"{prefix}{verb}({text.removeprefix(prefix).partition('(')[2]}"


def prefix_of(context: AutogenContext) -> str:
    """What stands before the name of an operation: `op.`, unless somebody has set another."""
    return str(context.opts.get("alembic_module_prefix") or "")
