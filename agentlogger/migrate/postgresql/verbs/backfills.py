"""Columns that are filled at once where a table is small, and later where it is not."""

from __future__ import annotations

from functools import partial

from alembic.operations import Operations

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.registering import registrar_of
from agentlogger.migrate.postgresql.backfills import KeyWalk, count, estimate
from agentlogger.migrate.postgresql.verbs.found import QUOTE
from agentlogger.migrate.postgresql.verbs.session import Session

REMARK = (
    "-- An upgrade without --sql leaves this for later where the table is large. It is done in\n"
    "-- batches then, so that nobody waits: by the service, or by `flask db backfill run {name}`."
)


def backfill(operations: Operations, definition: Definition) -> None:
    """Fill the table, or register that it is to be filled. Raises Refused and Failed."""
    on = Session(operations)
    statement = definition.update(QUOTE)
    if on.is_script:
        on.run(f"{REMARK.format(name=definition.name)}\n{statement}")
        return
    on.table(definition.table, definition.schema)
    connection = operations.get_bind()
    registrar = registrar_of(connection)
    name = definition.table_sql(QUOTE)

    if registrar is not None and registrar.is_large(definition, partial(count, connection, name)):
        # What cannot be walked is to be known now, and not when nobody looks.
        KeyWalk(connection, definition)
        registrar.register(connection, definition, estimate(connection, name))
        return
    # As it stands: without parameters a percent sign is one.
    result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    if registrar is not None:
        registrar.note_filled(connection, definition, max(0, result.rowcount))
