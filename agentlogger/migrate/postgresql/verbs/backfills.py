"""Columns that are filled at once where a table is small, and later where it is not."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import text

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.registering import registrar_of
from agentlogger.migrate.postgresql.backfills import KeyWalk
from agentlogger.migrate.postgresql.tables import EXACT_UP_TO
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

    def count(most: int) -> int:
        some = f"SELECT count(*) FROM (SELECT FROM {name} LIMIT {most}) AS counted"  # noqa: S608  (quoted)
        return int(type(connection).execute(connection, text(some)).scalar_one())

    if registrar is not None and registrar.is_large(definition, count):
        # What cannot be walked is to be known now, and not when nobody looks.
        KeyWalk(connection, definition)
        counted = count(EXACT_UP_TO)
        if counted == EXACT_UP_TO:
            # The planner goes by the size of the file, where the catalogue may never have counted.
            asked = text(f"EXPLAIN (FORMAT JSON) SELECT FROM {name}")
            (planned,) = type(connection).execute(connection, asked).scalar_one()
            counted = max(counted, int(planned["Plan"]["Plan Rows"]))
        registrar.register(connection, definition, counted)
        return
    # As it stands: without parameters a percent sign is one.
    result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    if registrar is not None:
        registrar.note_filled(connection, definition, max(0, result.rowcount))
