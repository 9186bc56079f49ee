"""Foreign keys whose rows are checked while others write.

A partitioned table takes none that is NOT VALID (before PostgreSQL 18). There each partition gets
its own, validated; the table's own then adopts them all and checks no row again.
"""

from __future__ import annotations

from alembic.operations import Operations, ops
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import AddConstraint

from agentlogger.migrate.causes import Differs
from agentlogger.migrate.postgresql.verbs.found import QUOTE, Constraint, Table, qualified
from agentlogger.migrate.postgresql.verbs.session import Session, name_of, written
from agentlogger.migrate.trial.violations import without_counterpart

OURS = {"postgresql_not_valid", "source_schema"}
"""What the verb decides by itself."""


def create_foreign_key(operations: Operations, operation: ops.CreateForeignKeyOp) -> None:
    """Make a foreign key NOT VALID, then validate it.

    Where it is there it is only validated. Raises Failed where rows refer to nothing, and Differs
    where the name stands for another constraint.
    """
    on = Session(operations)
    name = name_of(operation.to_constraint(on.context))
    schema = operation.kw.get("source_schema")
    if on.is_script and on.is_partitioned_by_models(operation.source_table, schema):
        on.remark(operation.source_table)
        on.run(_adding(operation, name, operation.source_table, schema))
        return
    with on.in_parts():
        if on.is_script:
            on.run(f"{_adding(operation, name, operation.source_table, schema)} NOT VALID")
            on.run(_validating(qualified(operation.source_table, schema), name))
            return
        _Making(on, operation, name).make()


class _Making:
    """One foreign key on its way."""

    def __init__(self, on: Session, operation: ops.CreateForeignKeyOp, name: str) -> None:
        self._on = on
        self._operation = operation
        self._name = name
        self._table = on.table(operation.source_table, operation.kw.get("source_schema"))
        self._referent = qualified(operation.referent_table, operation.kw.get("referent_schema"))

    def make(self) -> None:
        """Make what is missing. Raises Failed where rows refer to nothing."""
        try:
            self._make()
        except IntegrityError as fault:
            # Left there, it would refuse rows from now on.
            remove_foreign_key(self._on, self._table, self._name)
            raise without_counterpart(
                f"Foreign key {self._name}",
                (self._table.sql, self._referent),
                [QUOTE(one) for one in self._operation.local_cols],
                [QUOTE(one) for one in self._operation.remote_cols],
            ) from fault

    def _make(self) -> None:
        if not self._table.is_partitioned:
            self._make_valid(self._table)
            return
        if self._found(self._table) is not None:
            return
        while missing := [one for one in self._leaves() if not self._is_valid(one)]:
            for partition in missing:
                try:
                    self._make_valid(partition)
                except DBAPIError as fault:
                    if not self._on.has_gone(partition, fault):
                        raise
        # Its own triggers take the place of the partitions', on the other table as well.
        self._on.lock(self._adding(self._table))

    def _leaves(self) -> list[Table]:
        every = self._on.catalogue.every_partition(self._table)
        return [one for one in every if not one.is_partitioned]

    def _is_valid(self, table: Table) -> bool:
        found = self._found(table)
        return found is not None and found.is_valid

    def _found(self, table: Table) -> Constraint | None:
        found = self._on.catalogue.constraint(self._name, table, self._referent)
        if found is None:
            return None
        local, remote = list(self._operation.local_cols), list(self._operation.remote_cols)
        same = found.kind == "f" and found.refers_there
        if not same or [list(found.columns), list(found.remote)] != [local, remote]:
            raise Differs(
                f"{table.sql} has a constraint {self._name} already, and it is another one: "
                "nothing was done. Drop or rename it, then run the same command again."
            )
        return found

    def _make_valid(self, table: Table) -> None:
        found = self._found(table)
        if found is None:
            self._on.lock(f"{self._adding(table)} NOT VALID")
        elif found.is_valid:
            return
        self._on.run(_validating(table.sql, self._name))

    def _adding(self, table: Table) -> str:
        return _adding(self._operation, self._name, table.name, table.schema)


def remove_foreign_key(on: Session, table: Table, name: str) -> None:
    """Drop a foreign key of a table, and those that its partitions have by themselves."""
    if on.catalogue.constraint(name, table) is not None:
        on.lock(f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")
    if not table.is_partitioned:
        return
    for partition in on.catalogue.every_partition(table):
        found = on.catalogue.constraint(name, partition)
        if found is not None and not found.is_inherited:
            on.lock(f"ALTER TABLE {partition.sql} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")


def _adding(operation: ops.CreateForeignKeyOp, name: str, table: str, schema: str | None) -> str:
    options = {key: value for key, value in operation.kw.items() if key not in OURS}
    own = ops.CreateForeignKeyOp(
        name,
        table,
        operation.referent_table,
        list(operation.local_cols),
        list(operation.remote_cols),
        source_schema=schema,
        **options,
    )
    return written(AddConstraint(own.to_constraint()))


def _validating(table: str, name: str) -> str:
    return f"ALTER TABLE {table} VALIDATE CONSTRAINT {QUOTE(name)}"
