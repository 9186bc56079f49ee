"""A change as steps, and the steps as the parts that become files."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint, MetaData

from agentlogger.migrate.verbs import DropNotNullOnlineOp, online
from agentlogger.migrate.writing import enum_types
from agentlogger.migrate.writing.altering import apart
from agentlogger.migrate.writing.defaults import is_filled
from agentlogger.migrate.writing.drops import in_order, is_made_anew
from agentlogger.migrate.writing.filling import Filling
from agentlogger.migrate.writing.names import named
from agentlogger.migrate.writing.operations import added, columns_of, item_of, reverses, table_of
from agentlogger.migrate.writing.partitions import refuse_unique_beside_the_key
from agentlogger.migrate.writing.phases import Part, Place, Step, place_of
from agentlogger.migrate.writing.recalling import Recalled
from agentlogger.migrate.writing.saying import said


@dataclass(frozen=True)
class Change:
    """All that one run of autogenerate has found."""

    operations: Sequence[Any]
    metadata: MetaData
    filling: Filling
    recalled: Recalled

    @property
    def made(self) -> frozenset[str]:
        """The tables that it makes."""
        return frozenset(one.table_name for one in self._all(ops.CreateTableOp))

    @property
    def gone(self) -> frozenset[str]:
        """The tables that it drops."""
        return frozenset(one.table_name for one in self._all(ops.DropTableOp))

    @property
    def gone_columns(self) -> frozenset[tuple[str, str]]:
        """The columns that it drops of tables that stay."""
        return frozenset((one.table_name, one.column_name) for one in self._all(ops.DropColumnOp))

    def _all(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.operations if isinstance(one, kind)]

    def goes_with_a_drop(self, operation: Any) -> bool:
        """Whether an index or constraint is dropped since what it is on, or refers to, goes."""
        if not isinstance(operation, ops.DropIndexOp | ops.DropConstraintOp):
            return isinstance(operation, ops.DropTableOp | ops.DropColumnOp)
        table = operation.table_name
        if table in self.gone or any(
            (table, name) in self.gone_columns for name in columns_of(operation)
        ):
            return True
        item = item_of(operation)
        return isinstance(item, ForeignKeyConstraint) and item.referred_table.name in self.gone


def parts_of(change: Change) -> list[Part]:
    """The files that make this change, in order, each with one phase."""
    kept = [_after_its_backfill(step, change.filling) for step in list(_kept(change))]
    steps = sorted([*kept, *_taken(change)], key=lambda step: step.place)
    parts: list[Part] = []
    for _, group in groupby(steps, key=lambda step: (step.place, step.phase)):
        for step in _in_order(list(group)):
            last = parts[-1] if parts else None
            joins = last is not None and last.phase == step.phase and not step.is_alone
            if last is None or not joins or last.steps[-1].is_alone:
                parts.append(Part([step]))
            else:
                last.steps.append(step)
    return parts


def _kept(change: Change) -> Iterator[Step]:
    """The steps that take nothing away."""
    yield from enum_types.made(change.operations, change.metadata, change.recalled)
    for operation in change.operations:
        if change.goes_with_a_drop(operation) or _is_remade(operation, change):
            continue
        if table_of(operation) in change.made:
            yield plain_step(operation, Place.MAKE)
        elif isinstance(operation, ops.AddColumnOp):
            yield from change.filling.added(operation)
        elif isinstance(operation, ops.AlterColumnOp):
            for one in apart(operation):
                yield from _altered(one, change)
        else:
            refuse_unique_beside_the_key(operation, change.metadata)
            anew = any(
                (table_of(operation), one) in change.gone_columns for one in columns_of(operation)
            )
            yield step_of(operation, Place.REBUILD if anew else place_of(operation))


def _altered(operation: ops.AlterColumnOp, change: Change) -> Iterator[Step]:
    """The steps for one change of a column."""
    if operation.modify_type is not None:
        yield change.filling.retyping.step(operation)
    elif operation.modify_nullable is False:
        yield from change.filling.required(operation)
    else:
        yield step_of(operation, place_of(operation))


def _after_its_backfill(step: Step, filling: Filling) -> Step:
    """What is built on a table that is filled comes when that is done.

    Rows would stand against a constraint on what is filled, and each further index would be kept up
    for each row that is written: with two of them a backfill took 1.4 times as long
    (`bench/online_migration.py`, a million records).
    """
    if step.place is Place.BUILD:
        needs = filling.needs_of_table(table_of(step.up[0]))
        if needs:
            return replace(step, place=Place.REQUIRE, needs=needs)
    return step


def step_of(operation: Any, place: Place, **told: Any) -> Step:
    """The step for an operation on a table that is in use: by a verb, where there is one."""
    verb = online(named(operation))
    if verb is None:
        return plain_step(operation, place, **told)
    return Step([verb], reverses(verb), place, is_alone=True, says=said(verb), **told)


def plain_step(operation: Any, place: Place, **told: Any) -> Step:
    """The step for an operation that is done as Alembic does it."""
    down = reverses(operation, as_verb=False)
    return Step([operation], down, place, is_alone=False, says=said(operation), **told)


def _taken(change: Change) -> Iterator[Step]:
    """The steps that take something away, what refers before what it refers to."""
    for operation in in_order([one for one in change.operations if change.goes_with_a_drop(one)]):
        anew = _made_anew(operation, change)
        if anew is None and isinstance(operation, ops.DropColumnOp):
            operation = yield from _loosened(operation)  # noqa: PLW2901  (the same drop)
        staying = table_of(operation) not in change.gone
        up = [] if getattr(operation, "constraint_name", "") is None else [operation]
        down = reverses(named(operation), as_verb=staying)
        if anew is not None:
            up, down = [operation, anew], [*reverses(anew), *down]
        needs: tuple[str, ...] = ()
        if isinstance(operation, ops.DropColumnOp):
            needs = change.filling.needs_for_drop(operation.table_name, operation.column_name)
        yield Step(up, down, Place.TAKE, is_alone=False, says=said(operation), needs=needs)
    yield from enum_types.gone(change.operations, change.metadata, change.recalled)


def _loosened(drop: ops.DropColumnOp) -> Generator[Step, None, ops.DropColumnOp]:
    """Let a required column be empty before it goes: a newer program gives it no value any more.

    Taken back, it is empty as well, and is required again by the step before.
    """
    column = drop.to_column()
    if column.nullable or column.primary_key or is_filled(column):
        return drop
    verb = DropNotNullOnlineOp(
        drop.table_name, drop.column_name, schema=drop.schema, existing_type=column.type
    )
    yield Step([verb], [verb.reverse()], Place.LOOSEN, is_alone=True, says=said(verb))
    column.nullable = True
    return ops.DropColumnOp.from_column_and_tablename(drop.schema, drop.table_name, column)


def _made_anew(operation: Any, change: Change) -> Any:
    """The column that is added in place of a dropped one of its name."""
    if not is_made_anew(operation, change.operations):
        return None
    return added(change.operations, operation.table_name, operation.column_name)


def _is_remade(operation: Any, change: Change) -> bool:
    return isinstance(operation, ops.AddColumnOp) and (
        (operation.table_name, operation.column.name) in change.gone_columns
    )


def _in_order(steps: list[Step]) -> list[Step]:
    """Steps of one place so that none needs a later one, and no query misses an index."""
    if steps[0].place not in {Place.BUILD, Place.REQUIRE}:
        return steps
    made = {_name(step) for step in steps if not _drops(step)}
    return sorted(steps, key=lambda step: _turn(step, made))


KINDS: tuple[type[Any], ...] = (
    ops.CreateIndexOp,
    ops.CreateUniqueConstraintOp,
    ops.CreateCheckConstraintOp,
    ops.CreateForeignKeyOp,
)
"""The order in which what is built is built: a foreign key may need a unique index."""


def _turn(step: Step, made: Iterable[str | None]) -> int:
    if _drops(step):
        # One that is made anew under its name must go first, another when the new one is there.
        return 0 if _name(step) in made else len(KINDS) + 2
    kinds = (n for n, kind in enumerate(KINDS, 1) if isinstance(step.up[0], kind))
    return next(kinds, len(KINDS) + 1)


def _drops(step: Step) -> bool:
    return isinstance(step.up[0], ops.DropIndexOp | ops.DropConstraintOp)


def _name(step: Step) -> str | None:
    operation = step.up[0]
    name = getattr(operation, "index_name", None) or getattr(operation, "constraint_name", None)
    return None if name is None else str(name)
