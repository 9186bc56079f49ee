"""What autogenerate may see and write: a good message, a phase, and no drop that nobody allowed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, MetaData

from agentlogger.migrate.causes import BadOption, WouldDrop
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.declared import LOSES_DATA, YES
from agentlogger.migrate.revisions.messages import judge
from agentlogger.migrate.revisions.owned import Owned

ObjectFilter = Callable[[Any, str | None, str, bool, Any], bool]
NameFilter = Callable[[str | None, str, Mapping[str, Any]], bool]


def names_seen(metadata: MetaData, unowned: frozenset[str], owned: Owned) -> NameFilter:
    """Alembic's `include_name`: tables that the models or the history know."""
    modelled = {table.name for table in metadata.tables.values()}

    def include(name: str | None, kind: str, _parents: Mapping[str, Any]) -> bool:
        if kind != "table" or name is None:
            return True
        if name in tables.NAMES or name in unowned:
            return False
        return name in modelled or owned.has("table", name, name)

    return include


def objects_seen(owned: Owned) -> ObjectFilter:
    """Alembic's `include_object`: on the removing side only what the history has made."""

    def include(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        if not reflected or compare_to is not None or kind == "table":
            return True
        table = getattr(getattr(item, "table", None), "name", "")
        columns = getattr(item, "columns", None) or ()
        return owned.has(kind, name, table, [column.name for column in columns])

    return include


def finish_directives(
    directives: list[Any], options: Options, *, autogenerates: bool, template: dict[str, Any]
) -> None:
    """Judge and complete what a `revision` command is about to write, in place.

    Raises VagueMessage, and WouldDrop for a drop that was not allowed.
    """
    if not directives:
        return
    directive = directives[0]
    if not options.allows("allow-message"):
        judge(directive.message)
    if autogenerates and directive.upgrade_ops.is_empty():
        directives[:] = []
        print("No changes in schema detected: no revision was written.", file=sys.stderr)  # noqa: T201
        return
    if autogenerates:
        _rename(directive, options)
        _refuse_drops(directive, options)
        template["phase"] = phase_of(directive.upgrade_ops)
        template["reversible"] = reversible_of(directive)


def phase_of(upgrade_ops: ops.UpgradeOps) -> str:
    """The phase of generated operations: the one that asks for the most care."""
    found = list(flattened(upgrade_ops))
    made = {operation.table_name for operation in found if isinstance(operation, ops.CreateTableOp)}
    phases = {_phase(operation) for operation in found if _table(operation) not in made}
    return next((phase for phase in ("contract", "online") if phase in phases), "expand")


def reversible_of(directive: Any) -> str:
    """Whether the generated downgrade gives back what was there."""
    both = [*flattened(directive.upgrade_ops), *flattened(directive.downgrade_ops)]
    loses = any(isinstance(operation, ops.DropTableOp | ops.DropColumnOp) for operation in both)
    return LOSES_DATA if loses else YES


def flattened(container: Any) -> Iterator[Any]:
    """The operations within containers of operations."""
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from flattened(operation)
        else:
            yield operation


def _phase(operation: Any) -> str:
    match operation:
        case ops.DropTableOp() | ops.DropColumnOp() | ops.RenameTableOp():
            return "contract"
        case ops.AlterColumnOp() if operation.modify_name or operation.modify_type is not None:
            return "contract"
        case ops.AlterColumnOp() if operation.modify_nullable is False:
            return "contract"
        case ops.AddColumnOp() if _must_be_given(operation.column):
            return "contract"
        case ops.CreateIndexOp() | ops.DropIndexOp() | ops.AddConstraintOp():
            return "online"
    return "expand"


def _must_be_given(column: Column[Any]) -> bool:
    """Whether an older program, which does not know the column, can no longer write a row."""
    filled = column.server_default, column.computed, column.identity
    return not column.nullable and all(one is None for one in filled)


def _table(operation: Any) -> str | None:
    return getattr(operation, "table_name", None) or getattr(operation, "source_table", None)


def _refuse_drops(directive: Any, options: Options) -> None:
    allowed = set(options.words("allow-drop"))
    found = list(flattened(directive.upgrade_ops))
    drops = {
        _name_of_drop(operation): operation
        for operation in found
        if isinstance(operation, ops.DropTableOp | ops.DropColumnOp)
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


def _candidates(drop: Any, found: Iterable[Any]) -> list[str]:
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


def _rename(directive: Any, options: Options) -> None:
    """Write what `-x rename=` says as a rename, up and down."""
    for word in options.words("rename"):
        old, _, new = word.partition(":")
        if not old or not new:
            raise BadOption(f"-x rename={word} must be table.column:new_name or table:new_name.")
        table, _, column = old.partition(".")
        done = (
            _rename_column(directive, table, column, new.rpartition(".")[2])
            if column
            else _rename_table(directive, table, new)
        )
        if not done:
            raise BadOption(
                f"-x rename={word} does not fit: the models must have dropped {old} and added "
                f"{new}, and autogenerate has found no such pair."
            )


def _rename_column(directive: Any, table: str, old: str, new: str) -> bool:
    for container in directive.upgrade_ops.ops:
        if not isinstance(container, ops.ModifyTableOps) or container.table_name != table:
            continue
        drop = _first(container.ops, ops.DropColumnOp, lambda one: one.column_name == old)
        add = _first(container.ops, ops.AddColumnOp, lambda one: one.column.name == new)
        if drop is None or add is None:
            return False
        kept = {"existing_type": add.column.type, "existing_nullable": add.column.nullable}
        _put_first(container, ops.AlterColumnOp(table, old, modify_name=new, **kept), drop, add)
        for down in directive.downgrade_ops.ops:
            if isinstance(down, ops.ModifyTableOps) and down.table_name == table:
                _replace_in_downgrade(down, table, old, new, kept)
        return True
    return False


def _replace_in_downgrade(
    container: Any, table: str, old: str, new: str, kept: dict[str, Any]
) -> None:
    drop = _first(container.ops, ops.DropColumnOp, lambda one: one.column_name == new)
    add = _first(container.ops, ops.AddColumnOp, lambda one: one.column.name == old)
    if drop is not None and add is not None:
        _put_first(container, ops.AlterColumnOp(table, new, modify_name=old, **kept), drop, add)


def _put_first(container: Any, rename: ops.AlterColumnOp, *instead_of: Any) -> None:
    """Rename before all else, since an index of the column is made under its new name."""
    others = [one for one in container.ops if all(one is not gone for gone in instead_of)]
    container.ops[:] = [rename, *others]


def _rename_table(directive: Any, old: str, new: str) -> bool:
    for operations, gone, come in (
        (directive.upgrade_ops.ops, old, new),
        (directive.downgrade_ops.ops, new, old),
    ):
        drop = _of_table(operations, ops.DropTableOp, gone)
        add = _of_table(operations, ops.CreateTableOp, come)
        if drop is None or add is None:
            return False
        inner = [
            one
            for container in operations
            if isinstance(container, ops.ModifyTableOps) and container.table_name in {gone, come}
            for one in container.ops
        ]
        indexes = _renamed(inner, come)
        instead: list[Any] = [ops.RenameTableOp(gone, come)]
        instead += [ops.ModifyTableOps(come, indexes)] if indexes else []
        place = operations.index(drop)
        operations[place : place + 1] = instead
        operations[:] = [
            one
            for one in operations
            if one is not add
            and (one in instead or getattr(one, "table_name", None) not in {gone, come})
        ]
    return True


def _renamed(operations: Sequence[Any], table: str) -> list[Any]:
    """What becomes of the indexes of a table that has another name now.

    They stay with it, so one that keeps its own name needs nothing, and another is made anew.
    """
    dropped = {one.index_name for one in operations if isinstance(one, ops.DropIndexOp)}
    made = {one.index_name for one in operations if isinstance(one, ops.CreateIndexOp)}
    found = [
        one
        for kind in (ops.DropIndexOp, ops.CreateIndexOp)
        for one in operations
        if isinstance(one, kind) and one.index_name not in dropped & made
    ]
    for one in found:
        one.table_name = table
    return found


@renderers.dispatch_for(ops.RenameTableOp)
def _written(context: AutogenContext, operation: ops.RenameTableOp) -> str:
    """A rename as code, which Alembic itself never writes."""
    prefix = context.opts["alembic_module_prefix"]
    return f"{prefix}rename_table({operation.table_name!r}, {operation.new_table_name!r})"


def _of_table(operations: Iterable[Any], kind: type[Any], name: str) -> Any:
    return _first(operations, kind, lambda one: one.table_name == name)


def _first(operations: Iterable[Any], kind: type[Any], fits: Callable[[Any], bool]) -> Any:
    return next((one for one in operations if isinstance(one, kind) and fits(one)), None)
