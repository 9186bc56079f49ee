"""Values of enums: added ones are written, in the order of the model; all else is told.

PostgreSQL's type tells its values. SQLite has none: there a CHECK does, or else the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import PriorityDispatchResult
from sqlalchemy import Column, Enum, Table

from agentlogger.migrate.comparing.comparison import Comparison, Used, comparison_of
from agentlogger.migrate.comparing.types import enum_columns, enum_of
from agentlogger.migrate.verbs import AddEnumValueOp

CONTINUE, STOP = PriorityDispatchResult.CONTINUE, PriorityDispatchResult.STOP


def leave_enums(
    context: AutogenContext,
    _operation: ops.AlterColumnOp,
    _schema: str | None,
    _table_name: str,
    _name: str,
    live_column: Column[Any],
    column: Column[Any],
) -> PriorityDispatchResult:
    """Let the length of a column be no change of its type where its values are compared."""
    enum = enum_of(column.type)
    if enum is None or not enum.native_enum:
        return CONTINUE
    known = _values(comparison_of(context), live_column, column, enum)
    return STOP if known is not None else CONTINUE


def gather_enums(
    context: AutogenContext,
    _modify: ops.ModifyTableOps,
    _schema: str | None,
    _table_name: str,
    live_table: Table | None,
    table: Table | None,
) -> PriorityDispatchResult:
    """Note which columns of the database have an enum that is a type where there are types."""
    if live_table is None or table is None:
        return CONTINUE
    comparison = comparison_of(context)
    for column, enum in enum_columns(table):
        if not enum.native_enum or column.name not in live_table.columns:
            continue
        values = _values(comparison, live_table.columns[column.name], column, enum)
        if values is not None:
            used = comparison.enums.setdefault((enum.schema, str(enum.name)), Used(enum, values))
            used.columns.append(f"{table.name}.{column.name}")
    return CONTINUE


def _values(
    comparison: Comparison, live_column: Column[Any], column: Column[Any], enum: Enum
) -> tuple[str, ...] | None:
    """The values that a column of the database may have; None where it is not of this enum."""
    found = enum_of(live_column.type)
    if found is not None:
        return tuple(found.enums) if found.name == enum.name else None
    if comparison.connection.dialect.supports_native_enum:
        return None
    both = comparison.both(column.table)
    listed = both[0].values.get(column.name) if both is not None else None
    return listed or comparison.former.values(column.table.name, column.name)


def compare_enums(context: AutogenContext, upgrade: ops.UpgradeOps) -> PriorityDispatchResult:
    """Compare the values of each enum that was noted."""
    comparison = comparison_of(context)
    made: list[ops.MigrateOperation] = []
    for key in sorted(comparison.enums, key=lambda key: (key[0] or "", key[1])):
        used = comparison.enums[key]
        made += _added(used)
        lost = [value for value in used.values if value not in used.enum.enums]
        kept = [value for value in used.values if value in used.enum.enums]
        if lost:
            comparison.say(_losing(used, lost))
        if kept != [value for value in used.enum.enums if value in used.values]:
            comparison.say(
                f"The values of enum {used.name} stand in another order in the models "
                f"({', '.join(used.enum.enums)}) than in the database ({', '.join(used.values)}): "
                "no revision was generated, since no database moves a value. Put them into the "
                "order of the database, and new ones where they belong."
            )
    # Before all else: a default or a CHECK may say the new value.
    upgrade.ops[:0] = made
    return CONTINUE


def _losing(used: Used, lost: Sequence[str]) -> str:
    values = ", ".join(lost)
    return (
        f"Enum {used.name} has in the database what the models no longer name: {values}. No "
        "revision was generated, since rows may hold it and PostgreSQL takes no value away. Leave "
        "it in the model; or, if it has another name now, write a revision with "
        f"`ALTER TYPE {used.name} RENAME VALUE '{lost[0]}' TO '...'`."
    )


def _added(used: Used) -> Iterator[AddEnumValueOp]:
    """The values that the database lacks, each beside one that it has by then."""
    live = list(used.values)
    wanted: Sequence[str] = used.enum.enums
    for place, value in enumerate(wanted):
        if value in live:
            continue
        later = next((one for one in wanted[place + 1 :] if one in live), None)
        told: dict[str, Any] = {}
        if later is not None:
            earlier = wanted[place - 1] if place else None
            told = {"after": earlier} if earlier in live else {"before": later}
        yield AddEnumValueOp(
            str(used.enum.name), value, schema=used.enum.schema, columns=used.columns, **told
        )
        live.append(value)
