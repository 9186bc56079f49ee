"""What a downgrade takes away for good: which columns and tables, and how many rows are in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.operations import ops
from sqlalchemy import Connection, inspect, text

from agentlogger.migrate.causes import WouldLose
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.declared import LOSES_DATA, Declared
from agentlogger.migrate.revisions.recording import Recorded

DROPPED = re.compile(
    r'^\s*(?:DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?"?(?P<gone>\w+)"?'
    r'|ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?"?(?P<table>\w+)"?\s+DROP\s+COLUMN\s+'
    r'(?:IF\s+EXISTS\s+)?"?(?P<column>\w+)"?)(?:\s+(?:CASCADE|RESTRICT))?\s*;?\s*$',
    re.IGNORECASE,
)
"""A statement that drops one thing, as a revision writes it, or as it was rendered."""

DROPPING = re.compile(r"\bDROP\s+(TABLE|COLUMN)\b", re.IGNORECASE)

EMPTYING = re.compile(r"\b(DELETE\s+FROM|TRUNCATE)\b", re.IGNORECASE)

ADDING = (ops.AddColumnOp, ops.CreateTableOp, ops.CreateIndexOp, ops.CreateForeignKeyOp)
"""What takes nothing that is there: the loss of such a downgrade was the upgrade's."""

CHANGING = re.compile(r"\b(UPDATE|INSERT\s+INTO|MERGE\s+INTO)\b", re.IGNORECASE)
"""What may write over something, in a revision that says that it loses data."""


@dataclass(frozen=True)
class Loss:
    """A table or column that goes, with the rows that hold something there; None is unknown."""

    revision: str
    what: str
    rows: int | None
    is_exact: bool
    is_dropped: bool
    """Whether a table or column goes, or may go, and not only what is in it."""

    def __str__(self) -> str:
        if self.rows is None:
            return f"{self.what}, with an unknown number of rows"
        about = "" if self.is_exact else "about "
        return f"{self.what}, with {about}{self.rows:,} {'row' if self.rows == 1 else 'rows'}"


@dataclass
class Names:
    """What is called how now, of what earlier revisions know by the names that it had then.

    One for all steps of a downgrade: each takes back the renames that it had done.
    """

    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[tuple[str, str], str] = field(default_factory=dict)

    def table(self, name: str) -> str:
        """The present name of a table."""
        return self.tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """The present name of a column."""
        return self.columns.get((self.table(table), name), name)

    def note(self, operation: Any) -> None:
        """Take back a rename."""
        if isinstance(operation, ops.RenameTableOp):
            self.tables[operation.new_table_name] = self.table(operation.table_name)
        elif isinstance(operation, ops.AlterColumnOp) and operation.modify_name:
            table, old = operation.table_name, operation.column_name
            self.columns[self.table(table), operation.modify_name] = self.column(table, old)


def losses(
    connection: Connection,
    dialect: Dialect,
    revision: Declared,
    recorded: Recorded,
    names: Names | None = None,
) -> list[Loss]:
    """What this downgrade would take away from this database, as far as its operations tell.

    `names` is what the steps before it have renamed, and is told what this one does.
    """
    names = names or Names()
    counter = _Counter(connection, dialect, revision.revision, names)
    dropped = {operation.table_name for operation in recorded.of(ops.DropTableOp)}
    for operation in recorded.operations:
        names.note(operation)
        if isinstance(operation, ops.DropTableOp):
            counter.table(operation.table_name)
        elif isinstance(operation, ops.DropColumnOp) and operation.table_name not in dropped:
            counter.column(operation.table_name, operation.column_name)
    for statement in recorded.statements:
        counter.statement(statement, may_change=revision.reversible == LOSES_DATA)
    if not recorded.is_complete:
        counter.unknown("what its own code decides by reading", is_dropped=True)
    elif revision.reversible == LOSES_DATA and not (counter.found or _only_adds(recorded)):
        counter.unknown("what its file does not tell", is_dropped=False)
    return counter.found


def _only_adds(recorded: Recorded) -> bool:
    """Whether there is something, and all of it adds."""
    added = all(isinstance(one, ADDING) for one in recorded.operations)
    return bool(recorded.operations) and added and not recorded.statements


def refuse(
    steps: Sequence[Declared], found: Sequence[Loss], options: Options, *, protected: bool
) -> None:
    """Raise WouldLose for steps that cannot be taken back, or that lose what is protected."""
    allowed = set(options.words("allow-loss"))
    meant = [step for step in steps if step.revision not in allowed]
    for step in meant:
        if not step.is_reversible:
            raise WouldLose(
                f"Revision {step.revision} ({step.message}) says that it cannot be taken back "
                f"({step.reversible}): restore a copy of the database instead, or run its "
                f"downgrade all the same with -x allow-loss={step.revision}."
            )
    if not protected:
        return
    losing = {
        step: [loss for loss in found if loss.revision == step.revision and loss.rows != 0]
        for step in meant
    }
    told = [
        f"that of {step.revision} ({step.message}) {'; '.join(map(str, lost))}"
        for step, lost in losing.items()
        if lost
    ]
    if told:
        named = ",".join(step.revision for step, lost in losing.items() if lost)
        raise WouldLose(
            f"The downgrade would lose data, {', and '.join(told)}, and PROTECT_DATA is on: keep a "
            f"copy first, then run the command again with -x allow-loss={named}."
        )


class _Counter:
    """Counts what is in that which one revision's downgrade takes."""

    def __init__(
        self, connection: Connection, dialect: Dialect, revision: str, names: Names
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._revision = revision
        self._names = names
        self._there = set(inspect(connection).get_table_names())
        self.found: list[Loss] = []

    def table(self, name: str) -> None:
        """A table goes, by the name that it has then."""
        now = self._names.table(name)
        rows, exact = self._dialect.rows(self._connection, now) if now in self._there else (0, True)
        self._add(f"table {now}", rows, exact, is_dropped=True)

    def column(self, table: str, name: str) -> None:
        """A column goes, by the name that it has then; of a large table all rows count."""
        now, column = self._names.table(table), self._names.column(table, name)
        rows, exact = self._filled(now, column) if now in self._there else (0, True)
        self._add(f"column {now}.{column}", rows, exact, is_dropped=True)

    def statement(self, statement: str, *, may_change: bool) -> None:
        """A statement is executed, which may take something."""
        match = DROPPED.match(statement)
        if match and match["gone"]:
            self.table(match["gone"])
        elif match:
            self.column(match["table"], match["column"])
        elif (
            DROPPING.search(statement)
            or EMPTYING.search(statement)
            or (may_change and CHANGING.search(statement))
        ):
            what = f"whatever `{' '.join(statement.split())[:80]}` takes"
            self.unknown(what, is_dropped=bool(DROPPING.search(statement)))

    def unknown(self, what: str, *, is_dropped: bool) -> None:
        """Nobody can tell how much it is."""
        self._add(what, None, False, is_dropped=is_dropped)

    def _add(self, what: str, rows: int | None, exact: bool, *, is_dropped: bool) -> None:
        self.found.append(Loss(self._revision, what, rows, exact, is_dropped))

    def _filled(self, table: str, column: str) -> tuple[int, bool]:
        columns = {one["name"] for one in inspect(self._connection).get_columns(table)}
        if column not in columns:
            return 0, True
        rows, exact = self._dialect.rows(self._connection, table)
        if not exact:
            return rows, False
        quote = self._connection.dialect.identifier_preparer.quote
        counted = self._connection.execute(
            text(f"SELECT count({quote(column)}) FROM {quote(table)}")  # noqa: S608  (quoted names)
        ).scalar_one()
        return int(counted), True
