"""What a revision would do, without doing it: its operations, as Alembic is asked for them.

The function of the revision is called with operations that only write down. It needs no database,
so it tells the same on both; what a revision decides by reading rows it cannot tell, and says so.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import alembic.op
from alembic.operations import BatchOperations, Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, MetaData, Table, TextClause
from sqlalchemy.engine import Dialect as SQLDialect

from agentlogger.migrate.trial.confining import confined


@dataclass
class Recorded:
    """The operations of one direction of a revision, in order."""

    operations: list[ops.MigrateOperation] = field(default_factory=list)
    batches: dict[str, list[ops.MigrateOperation]] = field(default_factory=dict)
    """Those within `batch_alter_table`, by table; they are in `operations` too."""
    statements: list[str] = field(default_factory=list)
    """What was given as SQL text."""
    made: list[Table] = field(default_factory=list)
    """What `create_table` makes; an operation can be turned into its table only once."""
    has_autocommit: bool = False
    is_complete: bool = True
    """False where the revision reads the database before it goes on."""

    def of(self, kind: type[ops.MigrateOperation]) -> list[Any]:
        """The operations of one class."""
        return [operation for operation in self.operations if isinstance(operation, kind)]


class _Reads(Exception):  # noqa: N818  (no error: the end of what can be told)
    """The revision has asked for rows."""


class _Answer:
    """The result of a statement that was not executed."""

    rowcount = 0

    def __getattr__(self, name: str) -> Any:
        raise _Reads(name)

    def __iter__(self) -> Iterator[Any]:
        raise _Reads


def dialect_of(url: URL) -> SQLDialect:
    """SQLAlchemy's dialect for a URL, without a connection, to write statements with.

    Its parameters are named, since else psycopg2's would make two of each percent sign.
    """
    dialect: Any = url.get_dialect()
    made: SQLDialect = dialect(paramstyle="named")
    return made


def record(
    function: Callable[[], Any], dialect: SQLDialect, metadata: MetaData | None = None
) -> Recorded:
    """What this `upgrade` or `downgrade` would do on such a database.

    Constraints get their names by the naming convention of `metadata`, if it is given.
    """
    recorded = Recorded()
    context = MigrationContext.configure(
        dialect=dialect,
        opts={"as_sql": True, "output_buffer": io.StringIO(), "target_metadata": metadata},
    )
    context.autocommit_block = _autocommit(recorded)  # type: ignore[method-assign]
    with _in_place_of_op(_recording(context, recorded)):
        try:
            function()
        except _Reads:
            recorded.is_complete = False
        except Exception:  # noqa: BLE001  (whatever it needs is not here; it will say so itself)
            recorded.is_complete = False
    return recorded


def render(function: Callable[[], Any] | None, dialect: SQLDialect) -> list[str] | None:
    """The statements of this `downgrade`, or None where they depend on what is in the database.

    None too where there is no such function.
    """
    if function is None:
        return None
    statements: list[str] = []
    context = MigrationContext.configure(
        dialect=dialect,
        opts={"as_sql": True, "output_buffer": io.StringIO(), "literal_binds": True},
    )
    impl: Any = context.impl
    impl.static_output = statements.append
    with _in_place_of_op(Operations(context)):
        try:
            function()
        except Exception:  # noqa: BLE001  (batch mode and data steps have no SQL of their own)
            return None
    return [statement.strip().removesuffix(";") for statement in statements]


def _recording(context: MigrationContext, recorded: Recorded) -> Operations:
    """Operations whose every invocation is written down instead of carried out.

    Instances are changed and not a subclass made: `alembic.op` knows `Operations` alone.
    """
    operations: Any = Operations(context)

    def take(operation: ops.MigrateOperation) -> Any:
        return _note(operation, recorded, context)

    @contextmanager
    def batch_alter_table(
        table_name: str, schema: str | None = None, **_options: Any
    ) -> Iterator[Any]:
        impl: Any = SimpleNamespace(table_name=table_name, schema=schema)
        batch: Any = BatchOperations(context, impl=impl)
        inside = recorded.batches.setdefault(table_name, [])

        def take_inside(operation: ops.MigrateOperation) -> Any:
            inside.append(operation)
            return take(operation)

        batch.invoke = take_inside
        yield batch

    operations.invoke = take
    operations.batch_alter_table = batch_alter_table
    operations.get_bind = lambda: _Bind(recorded)
    return operations  # type: ignore[no-any-return]


class _Bind:
    """A connection that writes down what it is given and has no rows."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def execute(self, statement: Any, *_values: Any, **_options: Any) -> _Answer:
        self._recorded.statements.append(str(statement))
        return _Answer()

    exec_driver_sql = execute

    def __getattr__(self, name: str) -> Any:
        raise _Reads(name)


def _note(operation: ops.MigrateOperation, recorded: Recorded, context: MigrationContext) -> Any:
    recorded.operations.append(operation)
    for table in getattr(operation, "copies", ()):
        # A verb of online migrations, which makes its own batch.
        recorded.batches.setdefault(table, []).append(operation)
    recorded.statements += getattr(operation, "statements", ())
    if isinstance(operation, ops.ExecuteSQLOp):
        text = operation.sqltext
        recorded.statements.append(text.text if isinstance(text, TextClause) else str(text))
    if not isinstance(operation, ops.CreateTableOp):
        return None
    table = operation.to_table(context)
    recorded.made.append(table)
    return table


def _autocommit(recorded: Recorded) -> Callable[[], Any]:
    @contextmanager
    def block() -> Iterator[None]:
        recorded.has_autocommit = True
        yield

    return block


@contextmanager
def _in_place_of_op(operations: Operations) -> Iterator[None]:
    """Let `alembic.op` mean these operations, and afterwards again what it meant before."""
    outer = vars(alembic.op).get("_proxy")
    operations._install_proxy()  # noqa: SLF001  (what Operations.context does)
    try:
        with confined(None):
            yield
    finally:
        operations._remove_proxy()  # noqa: SLF001  (likewise)
        if outer is not None:
            outer._install_proxy()  # noqa: SLF001  (likewise)
