"""How SQLite carries out the verbs of online migrations: what `verbs.Carrier` asks for.

SQLite has one writer and no way to work beside it, so each verb does in the revision's transaction
what has the same result: an index is made natively, for a constraint the table is copied (Alembic's
batch mode). What a large copy would stop is judged before the revision runs, see `blocking`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic.operations import Operations, ops
from sqlalchemy import Connection, String, text
from sqlalchemy import inspect as reading
from sqlalchemy.exc import IntegrityError

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.registering import registrar_of
from agentlogger.migrate.causes import Differs, Refused
from agentlogger.migrate.sqlite.labels import Change, having, lacking, parted
from agentlogger.migrate.trial.violations import against, empty, repeated

HANGING = text(
    "SELECT name, sql FROM sqlite_master"
    " WHERE tbl_name = :table AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)

NOT_SEEN = "Skipped unsupported reflection of expression-based index"
"""What SQLAlchemy warns of and `_copied` looks after."""


def create_index(operations: Operations, operation: ops.CreateIndexOp) -> None:
    """Make an index, unless it is there. Raises Differs where the name stands for another one."""
    index = operation.to_index(operations.migration_context)
    table, name = str(operation.table_name), str(operation.index_name)
    if not operations.migration_context.as_sql:
        connection = operations.get_bind()
        asked = text("SELECT tbl_name FROM sqlite_master WHERE type = 'index' AND name = :name")
        there = connection.execute(asked, {"name": name}).scalar()
        if there is not None:
            wanted = [one if isinstance(one, str) else None for one in operation.columns]
            _refuse_another(connection, name, (table, str(there)), (bool(index.unique), wanted))
            return
    try:
        operations.impl.create_index(index)
    except IntegrityError as fault:
        columns = [str(one) for one in operation.columns]
        where = operation.kw.get("sqlite_where")
        raise repeated(
            f"Index {name}", table, columns, where="" if where is None else str(where)
        ) from fault


def drop_index(operations: Operations, operation: ops.DropIndexOp) -> None:
    """Drop an index, if it is there."""
    operations.impl.drop_index(operation.to_index(operations.migration_context), if_exists=True)


def create_unique(operations: Operations, operation: ops.CreateUniqueConstraintOp) -> None:
    """Make a UNIQUE constraint, unless it is there. Raises Failed where rows are not unique."""
    name, table = str(operation.constraint_name), operation.table_name
    _refuse_script(operations, "create_unique_online", table)
    if name in _constraints(operations, table):
        return
    try:
        with _copied(operations, table) as batch:
            batch.create_unique_constraint(name, list(operation.columns), **operation.kw)
    except IntegrityError as fault:
        raise repeated(f"Constraint {name}", table, list(operation.columns)) from fault


def create_foreign_key(operations: Operations, operation: ops.CreateForeignKeyOp) -> None:
    """Make a foreign key, unless it is there; the rows are checked before the revision ends."""
    name, table = str(operation.constraint_name), operation.source_table
    _refuse_script(operations, "create_foreign_key_online", table)
    if name in _constraints(operations, table):
        return
    options = {key: value for key, value in operation.kw.items() if key != "source_schema"}
    with _copied(operations, table) as batch:
        batch.create_foreign_key(
            name,
            operation.referent_table,
            list(operation.local_cols),
            list(operation.remote_cols),
            **options,
        )


def create_check(operations: Operations, operation: ops.CreateCheckConstraintOp) -> None:
    """Make a CHECK, unless one of its name is there. Raises Failed where rows do not fit it."""
    table = operation.table_name
    _refuse_script(operations, "create_check_online", table)
    constraint = operation.to_constraint(operations.migration_context)
    name = _final_name(operations, constraint)
    if name in _constraints(operations, table):
        return
    try:
        with _copied(operations, table) as batch:
            batch.create_check_constraint(operation.constraint_name, operation.condition)
    except IntegrityError as fault:
        raise against(f"CHECK {name}", table, str(constraint.sqltext)) from fault


def drop_constraint(operations: Operations, operation: ops.DropConstraintOp) -> None:
    """Drop a constraint, if it is there."""
    table = operation.table_name
    _refuse_script(operations, "drop_constraint_online", table)
    constraint = operations.schema_obj.generic_constraint(
        operation.constraint_name, table, operation.constraint_type
    )
    if _final_name(operations, constraint) in _constraints(operations, table):
        with _copied(operations, table) as batch:
            batch.drop_constraint(operation.constraint_name, type_=operation.constraint_type)


def set_not_null(operations: Operations, operation: ops.AlterColumnOp) -> None:
    """Make a column NOT NULL, unless it is. Raises Failed where rows have nothing there."""
    _refuse_script(operations, "set_not_null_online", operation.table_name)
    if not _is_required(operations, operation):
        try:
            _alter(operations, operation, nullable=False)
        except IntegrityError as fault:
            raise empty(operation.table_name, operation.column_name) from fault


def drop_not_null(operations: Operations, operation: ops.AlterColumnOp) -> None:
    """Let a column be empty, unless it may be."""
    _refuse_script(operations, "drop_not_null_online", operation.table_name)
    if _is_required(operations, operation):
        _alter(operations, operation, nullable=True)


def create_enum(
    operations: Operations, type_name: str, values: Sequence[str], *, schema: str | None
) -> None:
    """Nothing: SQLite has no types."""


def drop_enum(operations: Operations, type_name: str, *, schema: str | None) -> None:
    """Nothing: SQLite has no types."""


def add_enum_value(
    operations: Operations,
    type_name: str,  # noqa: ARG001  (SQLite has columns with a CHECK, and no types)
    value: str,
    *,
    after: str | None,
    before: str | None,
    schema: str | None,  # noqa: ARG001  (likewise)
    columns: Sequence[str],
) -> None:
    """Let the CHECKs of these columns accept the value, and their length."""
    for one in columns:
        table, column = parted(one)
        _refuse_script(operations, "add_enum_value", table)
        reader = reading(operations.get_bind())
        _relabel(operations, having(reader, table, column, value, (after, before)))


def retire_enum_value(
    operations: Operations,
    type_name: str,  # noqa: ARG001  (SQLite has columns with a CHECK, and no types)
    value: str,
    *,
    schema: str | None,  # noqa: ARG001  (likewise)
    columns: Sequence[str],
) -> None:
    """Let the CHECKs of these columns accept the value no more. Raises Failed where rows do."""
    for one in columns:
        table, column = parted(one)
        _refuse_script(operations, "retire_enum_value", table)
        _relabel(operations, lacking(reading(operations.get_bind()), table, column, value))


def backfill(operations: Operations, definition: Definition) -> None:
    """Fill the table: SQLite has one writer, so it is done at once."""
    statement = definition.update(operations.migration_context.dialect.identifier_preparer.quote)
    impl: Any = operations.impl
    if operations.migration_context.as_sql:
        impl.static_output(statement + impl.command_terminator)
        return
    connection = operations.get_bind()
    written = connection.exec_driver_sql(statement).rowcount
    registrar = registrar_of(connection)
    if registrar is not None:
        registrar.note_filled(connection, definition, max(0, written))


def _relabel(operations: Operations, change: Change) -> None:
    if change.check is None and change.length is None:
        return
    try:
        with _copied(operations, change.table) as batch:
            if change.check is not None:
                # The name is whole: the naming convention is not to add to it.
                name = operations.f(change.name)
                batch.drop_constraint(name, type_="check")
                batch.create_check_constraint(name, change.check)
            if change.length is not None:
                batch.alter_column(change.column, type_=String(change.length))
    except IntegrityError as fault:
        raise against(f"CHECK {change.name}", change.table, str(change.check)) from fault


@contextmanager
def _copied(operations: Operations, table: str) -> Iterator[Any]:
    """Alembic's batch mode, but for what it loses: indexes on expressions, and triggers."""
    connection = operations.get_bind()
    before = _hanging(connection, table)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", NOT_SEEN)
        with operations.batch_alter_table(table) as batch:
            yield batch
        after = _hanging(connection, table)
    for name, statement in before.items():
        if name not in after:
            connection.exec_driver_sql(statement)


def _hanging(connection: Connection, table: str) -> dict[str, str]:
    rows = connection.execute(HANGING, {"table": table})
    return {row.name: row.sql for row in rows}


def _alter(operations: Operations, operation: ops.AlterColumnOp, *, nullable: bool) -> None:
    with _copied(operations, operation.table_name) as batch:
        batch.alter_column(operation.column_name, nullable=nullable)


def _is_required(operations: Operations, operation: ops.AlterColumnOp) -> bool:
    columns = reading(operations.get_bind()).get_columns(operation.table_name)
    return any(one["name"] == operation.column_name and not one["nullable"] for one in columns)


def _constraints(operations: Operations, table: str) -> set[str | None]:
    """The names of a table's constraints; none where there is no such table."""
    reader = reading(operations.get_bind())
    if not reader.has_table(table):
        return set()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", NOT_SEEN)
        found = [
            *reader.get_unique_constraints(table),
            *reader.get_foreign_keys(table),
            *reader.get_check_constraints(table),
            reader.get_pk_constraint(table),
        ]
    return {one["name"] for one in found}


def _final_name(operations: Operations, constraint: Any) -> str:
    """The name of a constraint as the naming convention makes it."""
    preparer = operations.migration_context.dialect.identifier_preparer
    formatted = str(preparer.format_constraint(constraint))
    return formatted[1:-1].replace('""', '"') if formatted.startswith('"') else formatted


def _refuse_another(
    connection: Connection,
    name: str,
    tables: tuple[str, str],
    wanted: tuple[bool, list[str | None]],
) -> None:
    """Raise Differs where an index is on another table than it should be, or is another one."""
    table, there = tables
    quote = connection.dialect.identifier_preparer.quote
    listed = connection.exec_driver_sql(f"PRAGMA index_list({quote(there)})")
    unique = any(row[1] == name and row[2] for row in listed)
    rows = connection.exec_driver_sql(f"PRAGMA index_info({quote(name)})").all()
    columns = [row[2] for row in rows]
    same = len(columns) == len(wanted[1]) and all(
        one is None or one == other for one, other in zip(wanted[1], columns, strict=True)
    )
    if there != table or unique != wanted[0] or not same:
        raise Differs(
            f"There is an index {name} already, and it is another one: nothing was done. Drop it "
            f"(`DROP INDEX {quote(name)}`), then run the same command again."
        )


def _refuse_script(operations: Operations, verb: str, table: str) -> None:
    if operations.migration_context.as_sql:
        raise Refused(
            f"--sql cannot write op.{verb} for SQLite, which copies {table} as it finds it there: "
            "run `flask db upgrade` on the database itself, or write --sql for PostgreSQL."
        )
