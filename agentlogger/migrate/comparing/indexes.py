"""Indexes by all that they say: condition, method, order, expressions, storage."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import PriorityDispatchResult
from sqlalchemy import Table

from agentlogger.migrate.comparing.comparison import Comparison, comparison_of
from agentlogger.migrate.revisions.naming import final_name


def compare_indexes(
    context: AutogenContext,
    modify: ops.ModifyTableOps,
    _schema: str | None,
    _table_name: str,
    live_table: Table | None,
    table: Table | None,
) -> PriorityDispatchResult:
    """Judge the indexes again that both sides have, after Alembic, which compares the columns.

    One that Alembic has found changed stays as it is where the database says the same of both.
    """
    comparison = comparison_of(context)
    if live_table is None and table is not None:
        _add_skipped(context, modify, table)
    both = comparison.both(table) if live_table is not None and table is not None else None
    if live_table is None or table is None or both is None:
        return PriorityDispatchResult.CONTINUE
    live, wanted = both
    there = {str(one.name): one for one in live_table.indexes} | dict(live.unseen)
    modelled = {final_name(one, context.dialect): one for one in table.indexes}
    for name, index in modelled.items():
        if name is None or name not in wanted.indexes:
            continue
        found = _of(modify, name)
        is_same = comparison.renamed(table, live.indexes.get(name)) == wanted.indexes[name]
        if is_same:
            modify.ops[:] = [one for one in modify.ops if one not in found]
        elif not found and context.run_object_filters(index, name, "index", False, there.get(name)):
            if name in there:
                modify.ops.append(ops.DropIndexOp.from_index(there[name]))
            modify.ops.append(ops.CreateIndexOp.from_index(index))
    for name, index in live.unseen.items():
        gone = name not in modelled and not _of(modify, name)
        if gone and context.run_object_filters(index, name, "index", True, None):
            modify.ops.append(ops.DropIndexOp.from_index(index))
    _take_former_words(comparison, modify)
    return PriorityDispatchResult.CONTINUE


def _add_skipped(context: AutogenContext, modify: ops.ModifyTableOps, table: Table) -> None:
    """The indexes of a new table that Alembic leaves out, since it could not reflect them."""
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        name = final_name(index, context.dialect)
        if name is None or _of(modify, name):
            continue
        if context.run_object_filters(index, name, "index", False, None):
            modify.ops.append(ops.CreateIndexOp.from_index(index))


def _of(modify: ops.ModifyTableOps, name: str) -> list[Any]:
    kinds = ops.CreateIndexOp | ops.DropIndexOp
    return [one for one in modify.ops if isinstance(one, kinds) and str(one.index_name) == name]


def _take_former_words(comparison: Comparison, modify: ops.ModifyTableOps) -> None:
    """Let what brings an index back be in the words of the history, which suit both databases."""
    for one in modify.ops:
        if isinstance(one, ops.DropIndexOp):
            said = comparison.former.indexes.get((str(one.table_name), str(one.index_name)))
            if said is not None:
                one._reverse = said  # noqa: SLF001  (Alembic's constructor takes it)
                one.kw = {"unique": said.unique, **said.kw}
