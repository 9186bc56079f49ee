"""Constraints that are dropped: whatever they are, and whatever a killed run has left of them."""

from __future__ import annotations

from alembic.operations import Operations, ops
from alembic.operations.schemaobj import SchemaObjects

from agentlogger.migrate.postgresql.verbs.checks import drop_if_there
from agentlogger.migrate.postgresql.verbs.foreign_keys import remove_foreign_key
from agentlogger.migrate.postgresql.verbs.found import QUOTE, qualified
from agentlogger.migrate.postgresql.verbs.session import Session, name_of
from agentlogger.migrate.postgresql.verbs.uniques import remove_unique


def drop_constraint(operations: Operations, operation: ops.DropConstraintOp) -> None:
    """Drop a constraint under a short lock, if it is there; a foreign key's other table too."""
    on = Session(operations)
    objects = SchemaObjects(on.context)
    name = name_of(
        objects.generic_constraint(
            operation.constraint_name,
            operation.table_name,
            operation.constraint_type,
            schema=operation.schema,
        )
    )
    with on.in_parts():
        if on.is_script:
            table = qualified(operation.table_name, operation.schema)
            on.run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {QUOTE(name)}")
            return
        found = on.catalogue.table(operation.table_name, operation.schema)
        if found is None:
            return
        own = on.catalogue.constraint(name, found)
        kind = own.kind if own is not None else (operation.constraint_type or "")[:1]
        if kind == "u":
            remove_unique(on, found, name)
        elif kind == "f":
            remove_foreign_key(on, found, name)
        else:
            drop_if_there(on, found, name)
