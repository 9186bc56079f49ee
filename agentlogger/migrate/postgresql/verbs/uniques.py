"""UNIQUE constraints that take over an index which was built while others wrote.

On a partitioned table PostgreSQL takes no index over. There the constraint is made ON ONLY the
table, which costs nothing, each partition's own takes over an index of its own, and their indexes
are attached, as pg_dump restores it; with the last one the constraint holds for all.
"""

from __future__ import annotations

from alembic.operations import Operations, ops
from sqlalchemy import UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import AddConstraint

from agentlogger.migrate.causes import Differs, Failed
from agentlogger.migrate.postgresql.verbs.found import QUOTE, Constraint, Index, Table, qualified
from agentlogger.migrate.postgresql.verbs.indexes import (
    build,
    complete,
    creating,
    options_of,
    remove,
    wanted,
)
from agentlogger.migrate.postgresql.verbs.names import part_name
from agentlogger.migrate.postgresql.verbs.session import Session, name_of, with_included, written
from agentlogger.migrate.trial.violations import repeated

ALTER = "ALTER TABLE "


def create_unique(operations: Operations, operation: ops.CreateUniqueConstraintOp) -> None:
    """Make a UNIQUE constraint by way of an index that is built CONCURRENTLY.

    Raises Failed where rows are not unique, where the table is partitioned by other columns, and
    where Citus distributes it; Differs where the name stands for something else.
    """
    on = Session(operations)
    constraint = operation.to_constraint(on.context)
    with_included(constraint)
    name, schema = operation.table_name, operation.schema
    if on.is_script and on.is_partitioned_by_models(name, schema):
        on.remark(name)
        on.run(written(AddConstraint(constraint)))
        return
    with on.in_parts():
        if on.is_script:
            on.run(creating(wanted(on, _index_of(operation, name_of(constraint))), "CONCURRENTLY"))
            on.run(_taking_over(qualified(name, schema), name_of(constraint), constraint))
            return
        table = on.table(name, schema)
        _refuse_what_cannot_be(on, table, operation, name_of(constraint))
        try:
            _make(on, table, operation, name_of(constraint))
        except IntegrityError as fault:
            # Left there, it would refuse rows from now on.
            remove_unique(on, table, name_of(constraint))
            raise repeated(
                f"Constraint {name_of(constraint)}",
                table.sql,
                [QUOTE(one) for one in operation.columns],
                with_empty=bool(operation.kw.get("postgresql_nulls_not_distinct")),
            ) from fault


def remove_unique(on: Session, table: Table, name: str) -> None:
    """Drop a UNIQUE constraint of a table, and what a run that was killed has left of it."""
    if on.catalogue.constraint(name, table) is not None:
        on.lock(f"{ALTER}{table.sql} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")
    if table.is_partitioned:
        for partition in on.catalogue.every_partition(table):
            part = part_name(name, partition.name)
            if on.catalogue.constraint(part, partition) is not None:
                on.lock(f"{ALTER}{partition.sql} DROP CONSTRAINT IF EXISTS {QUOTE(part)}")
    remove(on, table, name)


def _make(
    on: Session,
    table: Table,
    operation: ops.CreateUniqueConstraintOp,
    root: str,
    name: str | None = None,
) -> Index:
    """The constraint of a table or partition, with all below it; returns its index.

    `root` is its name on the table itself, `name` that on a partition.
    """
    name = name or root
    own = ops.CreateUniqueConstraintOp(
        name, table.name, operation.columns, schema=table.schema, **operation.kw
    )
    constraint = own.to_constraint()
    with_included(constraint)
    found = on.catalogue.constraint(name, table)
    if found is not None:
        _refuse_another(found, own, table)
    if table.is_partitioned:
        alone = f"{ALTER}ONLY {written(AddConstraint(constraint)).removeprefix(ALTER)}"
        if found is None:
            on.lock(alone)

        def part(partition: Table) -> Index:
            return _make(on, partition, operation, root, part_name(root, partition.name))

        def anew() -> None:
            on.lock(f"{ALTER}{table.sql} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")
            on.lock(alone)

        return complete(on, table, name, part, anew)
    index = build(on, table, _index_of(own, name))
    if found is None:
        on.lock(_taking_over(table.sql, name, constraint))
    return index


def _index_of(operation: ops.CreateUniqueConstraintOp, name: str) -> ops.CreateIndexOp:
    return ops.CreateIndexOp(
        name,
        operation.table_name,
        list(operation.columns),
        schema=operation.schema,
        unique=True,
        **options_of(operation, "include", "nulls_not_distinct"),
    )


def _taking_over(table: str, name: str, constraint: UniqueConstraint) -> str:
    quoted = QUOTE(name)
    later = ""
    if constraint.deferrable is not None:
        later += " DEFERRABLE" if constraint.deferrable else " NOT DEFERRABLE"
    if constraint.initially is not None:
        later += f" INITIALLY {constraint.initially}"
    return f"{ALTER}{table} ADD CONSTRAINT {quoted} UNIQUE USING INDEX {quoted}{later}"


def _refuse_another(
    found: Constraint, operation: ops.CreateUniqueConstraintOp, table: Table
) -> None:
    if found.kind != "u" or list(found.columns) != list(operation.columns):
        raise Differs(
            f"{table.sql} has a constraint {operation.constraint_name} already, and it is another "
            f"one (on {', '.join(found.columns) or 'no column'}): nothing was done. Drop or rename "
            "it, then run the same command again."
        )


def _refuse_what_cannot_be(
    on: Session, table: Table, operation: ops.CreateUniqueConstraintOp, name: str
) -> None:
    if table.is_partitioned:
        missing = set(on.catalogue.partition_key(table)) - set(operation.columns)
        if missing:
            raise Failed(
                f"{name} must hold {', '.join(sorted(missing))} as well, by which {table.sql} is "
                "partitioned: PostgreSQL keeps rows unique within a partition alone. Add the "
                "column to the constraint in the revision, then run the same command again."
            )
    if on.catalogue.is_distributed(table):
        raise Failed(
            f"Citus distributes {table.sql} and lets no constraint take over an index there, so "
            f"nothing was done: use op.create_index_online({name!r}, ..., unique=True) in the "
            "revision, then run the same command again."
        )
