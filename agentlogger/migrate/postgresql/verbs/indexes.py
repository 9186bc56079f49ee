"""Indexes that are built and dropped while others write.

An index of a partitioned table is made ON ONLY that table first, where it is INVALID and costs
nothing: from then on each partition that is attached brings its part, whoever makes it. The parts
of those that were there are built CONCURRENTLY and attached; with the last one it is valid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import ColumnClause
from sqlalchemy import Index as Wanted
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateIndex

from agentlogger.migrate.causes import Differs, Failed
from agentlogger.migrate.postgresql.verbs.found import QUOTE, Index, Table, qualified
from agentlogger.migrate.postgresql.verbs.names import part_name
from agentlogger.migrate.postgresql.verbs.session import Session, with_included, written
from agentlogger.migrate.trial.violations import repeated

OURS = {"postgresql_concurrently", "if_not_exists"}
"""What Alembic's own operation may say, and the verb decides by itself."""


def create_index(operations: Operations, operation: ops.CreateIndexOp) -> None:
    """Build an index CONCURRENTLY, by partitions where there are any.

    An INVALID index of the name is dropped first; one that is valid is taken as done. Raises
    Differs where the name stands for another index, and Failed where rows are not unique.
    """
    on = Session(operations)
    name, schema = operation.table_name, operation.schema
    if on.is_script and on.is_partitioned_by_models(name, schema):
        on.remark(name)
        on.run(creating(wanted(on, operation)))
        return
    with on.in_parts():
        if on.is_script:
            on.run(creating(wanted(on, operation), "CONCURRENTLY"))
            return
        table = on.table(name, schema)
        try:
            _build(on, table, operation, str(operation.index_name))
        except IntegrityError as fault:
            # Left there, it would refuse rows from now on.
            remove(on, table, str(operation.index_name))
            index = wanted(on, operation)
            raise repeated(
                f"Index {operation.index_name}",
                table.sql,
                [str(one) for one in operation.columns],
                where=creating(index).partition(" WHERE ")[2],
                with_empty=bool(index.dialect_options["postgresql"]["nulls_not_distinct"]),
            ) from fault


def drop_index(operations: Operations, operation: ops.DropIndexOp) -> None:
    """Drop an index CONCURRENTLY, if it is there; that of a partitioned table under a short lock.

    What a build that was killed has left on partitions goes too. Raises Differs where the name
    stands for another table's index.
    """
    on = Session(operations)
    name, table_name = str(operation.index_name), str(operation.table_name)
    if on.is_script:
        partitioned = on.is_partitioned_by_models(table_name, operation.schema)
        with on.in_parts():
            gently = "" if partitioned else "CONCURRENTLY "
            on.run(f"DROP INDEX {gently}IF EXISTS {qualified(name, operation.schema)}")
        return
    with on.in_parts():
        table = on.catalogue.table(table_name, operation.schema)
        if table is not None:
            remove(on, table, name)


def remove(on: Session, table: Table, name: str) -> None:
    """Drop an index of a table and all parts of it that were not attached yet."""
    found = on.catalogue.index(name, table)
    if found is not None:
        refuse_another(found, table)
        drop(on, found)
    if table.is_partitioned:
        for partition in on.catalogue.every_partition(table):
            part = on.catalogue.index(part_name(name, partition.name), partition)
            if part is not None and part.table == partition.oid and not part.is_attached:
                drop(on, part)


def drop(on: Session, index: Index) -> None:
    """Drop an index, with all parts of it."""
    if index.is_partitioned:
        # PostgreSQL drops it in no other way.
        on.lock(f"DROP INDEX IF EXISTS {index.sql}")
    else:
        on.run(f"DROP INDEX CONCURRENTLY IF EXISTS {index.sql}")


def build(on: Session, table: Table, operation: ops.CreateIndexOp) -> Index:
    """Build an index of a table that has no partitions; return it.

    One that is there is taken as done, and built anew where it is INVALID.
    """
    index = wanted(on, operation)
    name = str(index.name)
    found = on.catalogue.index(name, table)
    if found is not None:
        refuse_another(found, table, index)
        if found.is_valid:
            return found
        drop(on, found)
    on.run(creating(index, "CONCURRENTLY"))
    return _there(on, name, table)


def _build(on: Session, table: Table, operation: ops.CreateIndexOp, root: str) -> Index:
    """Build an index of a table or partition, with all below it; return it."""
    if not table.is_partitioned:
        return build(on, table, operation)
    index = wanted(on, operation)
    name = str(index.name)
    found = on.catalogue.index(name, table)
    if found is None:
        on.lock(creating(index, only=True))
    else:
        refuse_another(found, table, index)

    def part(partition: Table) -> Index:
        own = moved(operation, partition, part_name(root, partition.name))
        return _build(on, partition, own, root)

    def anew() -> None:
        on.lock(f"DROP INDEX IF EXISTS {qualified(name, table.schema)}")
        on.lock(creating(index, only=True))

    return complete(on, table, name, part, anew)


def complete(
    on: Session,
    table: Table,
    name: str,
    part: Callable[[Table], Index],
    anew: Callable[[], None],
) -> Index:
    """Attach to an index of a partitioned table what is missing, until it is valid; return it.

    `part` makes the index of one partition, `anew` that of the table alone.
    """
    found = _there(on, name, table)
    if found.is_valid:
        return found
    while missing := on.catalogue.without_part(table, found):
        for partition in missing:
            try:
                own = part(partition)
                on.lock(f"ALTER INDEX {found.sql} ATTACH PARTITION {own.sql}")
            except (DBAPIError, Failed) as fault:
                if not on.has_gone(partition, fault):
                    raise
    found = _there(on, name, table)
    if not found.is_valid:
        # The last partition without a part was dropped. Only an ATTACH looks whether all are there,
        # and where none is left an index is valid that is made now.
        one = on.catalogue.a_part(found)
        if one is None:
            anew()
        else:
            on.lock(f"ALTER INDEX {found.sql} ATTACH PARTITION {one.sql}")
        found = _there(on, name, table)
    if not found.is_valid:
        raise Failed(
            f"Index {name} of {table.sql} stays INVALID, since a partition was dropped meanwhile: "
            f"take it away with `DROP INDEX {found.sql}` (or `ALTER TABLE {table.sql} DROP "
            f"CONSTRAINT {QUOTE(name)}` where it belongs to one), then run the same command again."
        )
    return found


def _there(on: Session, name: str, table: Table) -> Index:
    found = on.catalogue.index(name, table)
    if found is None:
        raise Failed(
            f"Index {name} of {table.sql} was dropped by somebody else while the migration was at "
            "work on it: run the same command again."
        )
    return found


def wanted(on: Session, operation: ops.CreateIndexOp) -> Wanted:
    """The index that an operation asks for."""
    options = {name: value for name, value in operation.kw.items() if name not in OURS}
    index = ops.CreateIndexOp(
        operation.index_name,
        operation.table_name,
        operation.columns,
        schema=operation.schema,
        unique=operation.unique,
        **options,
    ).to_index(on.context)
    with_included(index)
    return index


def moved(operation: ops.CreateIndexOp, table: Table, name: str) -> ops.CreateIndexOp:
    """The same index under another name on another table."""
    return ops.CreateIndexOp(
        name,
        table.name,
        operation.columns,
        schema=table.schema,
        unique=operation.unique,
        **operation.kw,
    )


def creating(index: Wanted, gently: str = "", *, only: bool = False) -> str:
    """The statement that makes an index; `gently` is CONCURRENTLY or nothing."""
    beginning = f"CREATE {'UNIQUE ' if index.unique else ''}INDEX "
    name = QUOTE(str(index.name))
    rest = written(CreateIndex(index)).removeprefix(f"{beginning}{name} ON ")
    words = [beginning.strip(), gently, name, "ON", "ONLY" if only else "", rest]
    return " ".join(word for word in words if word)


def refuse_another(found: Index, table: Table, index: Wanted | None = None) -> None:
    """Raise Differs where an index of the right name is on another table, or is another one."""
    differs = _difference(found, table, index)
    if differs:
        raise Differs(
            f"There is an index {found.name} already, and it {differs}: nothing was done. Rename "
            f"it (`ALTER INDEX {found.sql} RENAME TO ...`) or drop it, then run the same command "
            "again."
        )


def _difference(found: Index, table: Table, index: Wanted | None) -> str:
    if found.table != table.oid:
        return f"is not on {table.sql}"
    if index is None:
        return ""
    options = index.dialect_options["postgresql"]
    if found.is_unique != bool(index.unique):
        return "is unique" if found.is_unique else "is not unique"
    if found.method != str(options["using"] or "btree").lower():
        return f"uses {found.method}"
    if found.is_partial != (options["where"] is not None):
        return "is partial" if found.is_partial else "is not partial"
    keys = [one.name if isinstance(one, ColumnClause) else None for one in index.expressions]
    there = found.columns[: found.keys]
    included = [getattr(one, "name", one) for one in options["include"] or ()]
    same = len(there) == len(keys) and all(
        # What is no plain column here may be one there, with an order of its own for example.
        one is None or one == other
        for one, other in zip(keys, there, strict=True)
    )
    if not same or list(found.columns[found.keys :]) != included:
        return f"has other columns ({', '.join(one or 'an expression' for one in found.columns)})"
    return ""


def options_of(operation: Any, *names: str) -> dict[str, Any]:
    """Those of an operation's PostgreSQL options that an index takes as well."""
    return {
        f"postgresql_{name}": operation.kw[f"postgresql_{name}"]
        for name in names
        if f"postgresql_{name}" in operation.kw
    }
