"""What a change takes away: only what somebody has allowed, and in an order that works."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column, ForeignKeyConstraint

from agentlogger.migrate.causes import WouldDrop
from agentlogger.migrate.options import Options
from agentlogger.migrate.writing.operations import added, item_of, table_of


def refuse_drops(found: Sequence[Any], options: Options, replaced: Iterable[str] = ()) -> None:
    """Raise WouldDrop where a table or column would be dropped that nobody has allowed to.

    `replaced` are columns whose values another takes over.
    """
    allowed = {*options.words("allow-drop"), *replaced}
    drops = {
        _name_of_drop(operation): operation
        for operation in found
        if isinstance(operation, ops.DropTableOp | ops.DropColumnOp)
        and not is_made_anew(operation, found)
    }
    refused = {
        name: operation
        for name, operation in drops.items()
        if name not in allowed and operation.table_name not in allowed
    }
    if not refused:
        return
    renames = [
        f"{name}:{new}"
        for name, operation in refused.items()
        for new in _candidates(operation, found)
    ]
    hint = (
        f" If it was renamed, say so, and the data stays: {_as_options('rename', renames)}."
        if renames
        else ""
    )
    raise WouldDrop(
        f"The models no longer name {', '.join(refused)}, and the revision would drop "
        f"{'it' if len(refused) == 1 else 'them'} with the data: no revision was written. Run the "
        f"command again with {_as_options('allow-drop', refused)} to drop.{hint}"
    )


def _as_options(name: str, values: Iterable[str]) -> str:
    return " ".join(f"-x {name}={value}" for value in values)


def _name_of_drop(operation: Any) -> str:
    if isinstance(operation, ops.DropColumnOp):
        return f"{operation.table_name}.{operation.column_name}"
    return str(operation.table_name)


def _candidates(drop: Any, found: Sequence[Any]) -> list[str]:
    """What the dropped thing may have been renamed to: something new of the same type."""
    if isinstance(drop, ops.DropColumnOp):
        old = drop.to_column()
        return [
            operation.column.name
            for operation in found
            if isinstance(operation, ops.AddColumnOp)
            and operation.table_name == drop.table_name
            and _same_type(operation.column.type, old.type)
        ]
    names = {column.name for column in drop.to_table().columns}
    return [
        operation.table_name
        for operation in found
        if isinstance(operation, ops.CreateTableOp)
        and {item.name for item in operation.columns if isinstance(item, Column)} == names
    ]


def _same_type(one: Any, other: Any) -> bool:
    return bool(one._type_affinity is other._type_affinity)  # noqa: SLF001  (no public reading)


def is_made_anew(drop: Any, found: Iterable[Any]) -> bool:
    """Whether a column is dropped only to be computed in another way: its rows lose nothing."""
    if not isinstance(drop, ops.DropColumnOp):
        return False
    anew = added(found, drop.table_name, drop.column_name)
    return anew is not None and anew.column.computed is not None


def in_order(drops: Sequence[Any]) -> list[Any]:
    """Drops so that nothing is dropped while another thing refers to it.

    Foreign keys to a table that is changed as well come first. Then, for each table that stays,
    its constraints, its indexes and its columns, and after all of them the tables, those that
    refer before those that they refer to.
    """
    tables = {one.table_name for one in drops if isinstance(one, ops.DropTableOp)}
    of_tables = [one for one in drops if table_of(one) not in tables]
    altered = {table_of(one) for one in of_tables}
    early = [one for one in of_tables if _referred(one) in altered - {table_of(one)}]
    turns = list(dict.fromkeys(map(table_of, of_tables)))
    rest = sorted(
        (one for one in of_tables if one not in early),
        key=lambda one: (turns.index(table_of(one)), _rank(one)),
    )
    gone = [one for table in _referring_first(drops) for one in _with_indexes(drops, table)]
    return [*early, *rest, *gone]


def _rank(operation: Any) -> int:
    kinds = (ops.DropConstraintOp, ops.DropIndexOp, ops.DropColumnOp)
    return next((n for n, kind in enumerate(kinds) if isinstance(operation, kind)), len(kinds))


def _referred(operation: Any) -> str | None:
    """The table that a dropped foreign key refers to."""
    item = item_of(operation) if isinstance(operation, ops.DropConstraintOp) else None
    return item.referred_table.name if isinstance(item, ForeignKeyConstraint) else None


def _with_indexes(drops: Iterable[Any], table: str) -> Iterator[Any]:
    own = [one for one in drops if table_of(one) == table]
    yield from sorted(own, key=lambda one: isinstance(one, ops.DropTableOp))


def _referring_first(drops: Sequence[Any]) -> list[str]:
    """The tables to drop; those in a circle stay as they came."""
    refers = {
        one.table_name: {
            key.referred_table.name
            for key in one.to_table().foreign_key_constraints
            if key.referred_table.name != one.table_name
        }
        for one in drops
        if isinstance(one, ops.DropTableOp)
    }
    ordered: list[str] = []
    while refers:
        free = [
            table
            for table in refers
            if not any(table in others for name, others in refers.items() if name != table)
        ] or [next(iter(refers))]
        ordered += free
        for table in free:
            del refers[table]
    return ordered
