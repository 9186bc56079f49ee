"""CHECK constraints and NOT NULL, whose rows are checked while others write.

A CHECK that is NOT VALID may be put on a partitioned table, and its partitions have it at once, as
has each that is attached later. They are validated one by one, so that no lock is held for long.
A column becomes NOT NULL without a look at any row where a valid CHECK says it already.
"""

from __future__ import annotations

from alembic.operations import Operations, ops
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import AddConstraint

from agentlogger.migrate.causes import Differs
from agentlogger.migrate.postgresql.verbs.found import QUOTE, Table, qualified
from agentlogger.migrate.postgresql.verbs.names import not_null_check
from agentlogger.migrate.postgresql.verbs.session import Session, name_of, written
from agentlogger.migrate.trial.violations import against, empty


def create_check(operations: Operations, operation: ops.CreateCheckConstraintOp) -> None:
    """Make a CHECK NOT VALID, then validate it.

    Where a CHECK of the name is there it is only validated, since its text cannot be compared.
    Raises Failed where rows do not fit it, and Differs where the name stands for something else.
    """
    on = Session(operations)
    constraint = ops.CreateCheckConstraintOp(
        operation.constraint_name,
        operation.table_name,
        operation.condition,
        schema=operation.schema,
    ).to_constraint(on.context)
    name = name_of(constraint)
    table, _, rest = (
        written(AddConstraint(constraint))
        .removeprefix("ALTER TABLE ")
        .partition(" ADD CONSTRAINT ")
    )
    condition = rest.removeprefix(f"{QUOTE(name)} CHECK (").removesuffix(")")
    with on.in_parts():
        if on.is_script:
            _write(on, table, name, condition)
            return
        found = on.table(operation.table_name, operation.schema)
        try:
            _make_valid(on, found, name, condition)
        except IntegrityError as fault:
            # Left there, it would refuse rows from now on.
            drop_if_there(on, found, name)
            raise against(f"CHECK {name}", found.sql, condition) from fault


def set_not_null(operations: Operations, operation: ops.AlterColumnOp) -> None:
    """Make a column NOT NULL by way of a CHECK, which is gone afterwards.

    A column that is NOT NULL already stays. Raises Failed where rows have nothing there.
    """
    on = Session(operations)
    name = not_null_check(operation.table_name, operation.column_name)
    column = QUOTE(operation.column_name)
    condition = f"{column} IS NOT NULL"
    with on.in_parts():
        if on.is_script:
            table = qualified(operation.table_name, operation.schema)
            _write(on, table, name, condition)
            on.run(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
            on.run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")
            return
        found = on.table(operation.table_name, operation.schema)
        if not on.catalogue.is_required(found, operation.column_name):
            try:
                _make_valid(on, found, name, condition)
            except IntegrityError as fault:
                drop_if_there(on, found, name)
                raise empty(found.sql, column) from fault
            on.lock(f"ALTER TABLE {found.sql} ALTER COLUMN {column} SET NOT NULL")
        drop_if_there(on, found, name)


def drop_not_null(operations: Operations, operation: ops.AlterColumnOp) -> None:
    """Let a column be empty again; what a run that was killed has left of NOT NULL goes too."""
    on = Session(operations)
    column = QUOTE(operation.column_name)
    with on.in_parts():
        if on.is_script:
            table = qualified(operation.table_name, operation.schema)
            on.run(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
            return
        found = on.table(operation.table_name, operation.schema)
        if on.catalogue.is_required(found, operation.column_name):
            on.lock(f"ALTER TABLE {found.sql} ALTER COLUMN {column} DROP NOT NULL")
        drop_if_there(on, found, not_null_check(operation.table_name, operation.column_name))


def drop_if_there(on: Session, table: Table, name: str) -> None:
    """Drop a constraint of a table, if it is there; the partitions' go with it."""
    if on.catalogue.constraint(name, table) is not None:
        on.lock(f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")


def _write(on: Session, table: str, name: str, condition: str) -> None:
    on.run(_adding(table, name, condition))
    on.run(_validating(table, name))


def _make_valid(on: Session, table: Table, name: str, condition: str) -> None:
    found = on.catalogue.constraint(name, table)
    if found is None:
        on.lock(_adding(table.sql, name, condition))
    elif found.kind != "c":
        raise Differs(
            f"{table.sql} has a constraint {name} already, and it is no CHECK: nothing was done. "
            "Drop or rename it, then run the same command again."
        )
    elif found.is_valid:
        return
    for partition in on.catalogue.every_partition(table) if table.is_partitioned else []:
        own = on.catalogue.constraint(name, partition)
        if partition.is_partitioned or own is None or own.is_valid:
            continue
        try:
            on.run(_validating(partition.sql, name))
        except DBAPIError as fault:
            if not on.has_gone(partition, fault):
                raise
    # Looks at the rows of those partitions alone that have come since.
    on.run(_validating(table.sql, name))


def _adding(table: str, name: str, condition: str) -> str:
    return f"ALTER TABLE {table} ADD CONSTRAINT {QUOTE(name)} CHECK ({condition}) NOT VALID"


def _validating(table: str, name: str) -> str:
    return f"ALTER TABLE {table} VALIDATE CONSTRAINT {QUOTE(name)}"
