"""What fills a column by itself: a default, an expression or an identity."""

from __future__ import annotations

import re
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import PriorityDispatchResult
from sqlalchemy import Column, Constraint, Identity, Index, Table, UniqueConstraint

from agentlogger.migrate.comparing.comparison import Comparison, comparison_of
from agentlogger.migrate.comparing.wording import Wording
from agentlogger.migrate.revisions.naming import final_name

CONTINUE, STOP = PriorityDispatchResult.CONTINUE, PriorityDispatchResult.STOP

COUNTS = "nextval("
"""How the default of a column begins that counts by a sequence."""


def compare_default(  # noqa: PLR0917  (Alembic's comparators take these)
    context: AutogenContext,
    operation: ops.AlterColumnOp,
    schema: str | None,  # noqa: ARG001  (likewise)
    _table_name: str,
    name: str,
    live_column: Column[Any],
    column: Column[Any],
) -> PriorityDispatchResult:
    """Compare what stands behind DEFAULT, without evaluating it, and an identity."""
    comparison = comparison_of(context)
    both = comparison.both(column.table)
    if both is None:
        # That it cannot be compared is told once for the whole table.
        return STOP
    live, wanted = both
    if name in live.computed or name in wanted.computed:
        return STOP
    if isinstance(column.server_default, Identity) or isinstance(
        live_column.server_default, Identity
    ):
        return _identity(context, live, column, live_column)
    found, expected = live.defaults.get(name), wanted.defaults.get(name)
    if found is None and expected is None:
        return CONTINUE
    if found != expected:
        _default(comparison, operation, column, (found, expected))
    return STOP


def _default(
    comparison: Comparison,
    operation: ops.AlterColumnOp,
    column: Column[Any],
    values: tuple[str | None, str | None],
) -> None:
    found, expected = values
    if column.server_default is None and expected is not None:
        if (found or "").startswith(COUNTS):
            # The sequence keeps its name when the table gets another.
            return
        comparison.say(
            f"{column.table.key}.{column.name} counts by a sequence in the models and "
            f"{'has no default' if found is None else f'has the default {found}'} in the database: "
            "no revision can be generated for that. Say autoincrement=False in the model, or make "
            f"the sequence in a revision of its own: {by_hand(column.table, column.name)}."
        )
        return
    operation.modify_server_default = column.server_default


def by_hand(table: Table, name: str) -> str:
    """The command that writes an empty revision for a change that has none."""
    return f'`flask db revision -m "change {table.name} {name}"`'


def _identity(
    context: AutogenContext, live: Wording, column: Column[Any], live_column: Column[Any]
) -> PriorityDispatchResult:
    """Tell of an identity that differs.

    None is written: one that is new must go on where the rows are, and what Alembic writes for one
    that changes is refused by PostgreSQL, since the file does not say that there is one.
    """
    if not context.dialect.supports_identity_columns:
        return STOP
    comparison = comparison_of(context)
    found, wanted = live_column.server_default, column.server_default
    name = f"{column.table.key}.{column.name}"
    statement = f"ALTER TABLE {column.table.fullname} ALTER COLUMN {column.name}"
    write = f"write a revision: {by_hand(column.table, column.name)}, with `{statement}"
    if isinstance(found, Identity) and isinstance(wanted, Identity):
        impl: Any = context.migration_context.impl
        different, _, is_other = impl._compare_identity_default(wanted, found)  # noqa: SLF001
        if is_other:
            comparison.say(
                f"{name} is an identity that counts in another way in the models "
                f"({', '.join(sorted(different))}): no revision was generated; {write} SET ...`."
            )
    elif isinstance(found, Identity):
        counts = column.table.autoincrement_column is column
        comparison.say(
            f"{name} is an identity in the database and "
            f"{'counts by a sequence (serial)' if counts else 'none'} in the models: no revision "
            "was generated, since new rows would have no number. Give the column sa.Identity() in "
            f"the model, or {write} DROP IDENTITY`."
        )
    else:
        counts = live.defaults.get(column.name, "").startswith(COUNTS)
        comparison.say(
            f"{name} {'counts by a sequence (serial)' if counts else 'has no identity'} in the "
            "database and is an identity in the models: no revision was generated, since it must "
            f"go on where the rows are. Leave out sa.Identity() in the model, or {write} ADD "
            "GENERATED BY DEFAULT AS IDENTITY` and `setval`."
        )
    return STOP


def compare_computed(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    _schema: str | None,
    _table_name: str,
    live_table: Table | None,
    table: Table | None,
) -> PriorityDispatchResult:
    """Compare what columns are computed from; one that differs is dropped and added again."""
    if live_table is None or table is None:
        return CONTINUE
    comparison = comparison_of(context)
    both = comparison.both(table)
    if both is None:
        return CONTINUE
    live, wanted = both
    for column in table.columns:
        name = column.name
        found, expected = live.computed.get(name), wanted.computed.get(name)
        if name in live_table.columns and found != expected:
            if found is None or expected is None:
                comparison.say(_becoming(table, name, expected))
            else:
                modify.ops.extend(_anew(comparison, live_table, column))
    return CONTINUE


def _becoming(table: Table, name: str, expected: str | None) -> str:
    whole = f"{table.key}.{name}"
    if expected is None:
        return (
            f"{whole} is computed in the database and a plain column in the models: no revision "
            "was generated, since no database turns one into the other in the same way. Give the "
            f"plain column another name in the model, or write a revision: {by_hand(table, name)}."
        )
    return (
        f"{whole} holds values of its own and is computed in the models ({expected}): no revision "
        "was generated, since the values would be lost. Give the computed column another name in "
        f"the model, and drop this one with -x allow-drop={whole}."
    )


def _anew(
    comparison: Comparison, live_table: Table, column: Column[Any]
) -> list[ops.MigrateOperation]:
    """Drop and add a computed column, which holds nothing of its own, with what stands on it."""
    table = column.table
    there: list[Index | Constraint] = [*live_table.indexes, *live_table.constraints]
    kept = {str(one.name): one for one in there}
    wanted: list[Index | Constraint] = [*table.indexes, *table.constraints]
    on_it = [
        one
        for one in wanted
        if isinstance(one, Index | UniqueConstraint) and any(each is column for each in one.columns)
    ]
    old = live_table.columns[column.name]
    again = [(kept[name], one) for one in on_it
             if (name := str(final_name(one, comparison.connection.dialect))) in kept]  # fmt: skip
    checks = [
        name
        for name, said in comparison.wordings.live[table.key].constraints.items()
        if said.startswith("CHECK ") and re.search(rf"\b{re.escape(column.name)}\b", said)
    ]
    if checks:
        comparison.say(
            f"{', '.join(checks)} of {table.key} may go with the column {column.name}, which is "
            'computed anew: once that is applied, run `flask db migrate -m "add checks again"`, '
            "which makes what is gone."
        )
    return [
        *[_dropping(was) for was, _ in again],
        ops.DropColumnOp.from_column_and_tablename(table.schema, table.name, old),
        ops.AddColumnOp.from_column_and_tablename(table.schema, table.name, column),
        *[_adding(item) for _, item in again],
    ]


def _dropping(item: Index | Constraint) -> ops.MigrateOperation:
    if isinstance(item, Index):
        return ops.DropIndexOp.from_index(item)
    return ops.DropConstraintOp.from_constraint(item)


def _adding(item: Index | Constraint) -> ops.MigrateOperation:
    if isinstance(item, Index):
        return ops.CreateIndexOp.from_index(item)
    return ops.AddConstraintOp.from_constraint(item)
