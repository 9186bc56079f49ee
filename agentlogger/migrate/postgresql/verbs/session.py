"""Where the statements of online verbs run: outside a transaction, each with its own wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import Operations
from sqlalchemy import Column, Connection, Constraint, Index, UniqueConstraint
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.types import NullType

from agentlogger.migrate.causes import Failed
from agentlogger.migrate.postgresql.verbs.found import PLAIN, Catalogue, Table


def written(element: ExecutableDDLElement) -> str:
    """A statement of SQLAlchemy's as text."""
    return str(element.compile(dialect=PLAIN)).strip()


def with_included(item: Index | UniqueConstraint) -> None:
    """Give the stand-in table of an index or constraint the columns that it only includes."""
    table = item.table
    assert table is not None  # noqa: S101  (Alembic makes one for each)
    for column in item.dialect_options["postgresql"]["include"] or ():
        if isinstance(column, str) and column not in table.c:
            table.append_column(Column(column, NullType))


def name_of(constraint: Constraint) -> str:
    """The name of a constraint as the naming convention makes it, without quotes. Raises Failed."""
    formatted = PLAIN.identifier_preparer.format_constraint(constraint)
    if not formatted:
        raise Failed(
            "A verb of online migrations finds what it has begun by its name, and a constraint has "
            "none here: give it one in the revision, then run the same command again."
        )
    return formatted[1:-1].replace('""', '"') if formatted.startswith('"') else str(formatted)


class Session:
    """The connection of one verb, or the script that `--sql` writes."""

    def __init__(self, operations: Operations) -> None:
        self.context = operations.migration_context
        self.is_script: bool = self.context.as_sql
        self._impl: Any = operations.impl

    @property
    def _connection(self) -> Connection:
        connection = self.context.connection
        assert connection is not None  # noqa: S101  (a script asks nothing)
        return connection

    @property
    def catalogue(self) -> Catalogue:
        """What the database has; there is none for a script."""
        return Catalogue(self._connection)

    @contextmanager
    def in_parts(self) -> Iterator[None]:
        """Commit each statement by itself, and before that what the revision has done so far."""
        if not self.is_script and self._is_in_parts():
            yield
            return
        stopped: BaseException | None = None
        try:
            with self.context.autocommit_block():
                try:
                    yield
                except BaseException as fault:
                    stopped = fault
                    raise
        except PendingRollbackError:
            # What is told is why the connection was lost, and not that the block could not end.
            if stopped is None:
                raise
            raise stopped from None

    def _is_in_parts(self) -> bool:
        # A revision may stand in an autocommit block already, and Alembic nests none.
        level = self._connection.get_execution_options().get("isolation_level")
        return bool(level == "AUTOCOMMIT")

    def run(self, statement: str) -> None:
        """Run what nobody waits for: CONCURRENTLY, VALIDATE and the like.

        The engine lifts the lock timeout for those that wait for older transactions.
        """
        if self.is_script:
            self._impl.static_output(statement + self._impl.command_terminator)
            return
        connection = self._connection
        # The class's own function: what counts the statements of a revision, so that a later run
        # leaves them out, must not count these, since a verb itself finds what is done. And as it
        # stands: without parameters a percent sign is one.
        type(connection).exec_driver_sql(
            connection, statement, execution_options={"no_parameters": True}
        )

    def lock(self, statement: str) -> None:
        """Run what changes the catalogue alone, under a lock that others would queue behind.

        It waits as long as a migration's lock timeout says; what comes too late is tried again
        with the whole step, which finds what the verb has done so far.
        """
        if not self.is_script:
            info = self._connection.info
            if info.get("pooled"):
                # A pooler gives the session to others, and two statements in one go are one
                # transaction, whose setting goes with it.
                milliseconds = round(info["lock_timeout"] * 1000)
                statement = f"SET LOCAL lock_timeout = '{milliseconds}'; {statement}"
        self.run(statement)

    def table(self, name: str, schema: str | None) -> Table:
        """A table that must be there. Raises Failed."""
        found = self.catalogue.table(name, schema)
        if found is None:
            raise Failed(
                f"There is no table {name} in the database, so nothing was done to it: correct the "
                "revision, then run the same command again."
            )
        return found

    def has_gone(self, partition: Table, fault: Exception) -> bool:
        """Whether something failed since its partition was dropped or detached meanwhile.

        What is no part of the table any more needs nothing either.
        """
        if isinstance(fault, DBAPIError) and fault.connection_invalidated:
            return False
        return not self.catalogue.is_partition(partition)

    def is_partitioned_by_models(self, name: str, schema: str | None) -> bool:
        """Whether the models say that a table is partitioned; a script has nobody else to ask."""
        given = self.context.opts.get("target_metadata")
        several = given if isinstance(given, Iterable) else [given]
        for metadata in several:
            table = None if metadata is None else metadata.tables.get(_key(name, schema))
            if table is not None and table.dialect_options["postgresql"]["partition_by"]:
                return True
        return False

    def remark(self, table: str) -> None:
        """Say in a script that it does not do what an upgrade of the database would."""
        self._impl.static_output(
            f"-- {table} is partitioned, and only its database knows how: this locks it for as "
            "long as it takes,\n-- where an upgrade without --sql goes by its partitions and "
            "stops nobody."
        )


def _key(name: str, schema: str | None) -> str:
    return f"{schema}.{name}" if schema else name
