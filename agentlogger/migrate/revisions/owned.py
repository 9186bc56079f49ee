"""What this program's history has made: all else in the database belongs to somebody else.

Autogenerate takes whatever no model names for something to drop. Partitions, tables of extensions
and of other programs, an index that an operator added in an emergency: none of them is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import MetaData, Table
from sqlalchemy.sql.schema import ColumnCollectionConstraint

from agentlogger.migrate.revisions.recording import Recorded, record

NAME = r'(?:IF\s+NOT\s+EXISTS\s+)?"?(?P<name>\w+)"?'
CREATED = re.compile(
    r"\bCREATE\s+(?:UNLOGGED\s+)?(?P<kind>TABLE|(?:UNIQUE\s+)?INDEX(?:\s+CONCURRENTLY)?)\s+" + NAME,
    re.IGNORECASE,
)
ADDED = re.compile(
    r"\bALTER\s+TABLE\s+(?:ONLY\s+)?\"?(?P<table>\w+)\"?\s+ADD\s+(?:(?P<kind>COLUMN|CONSTRAINT)\s+)?"
    + NAME,
    re.IGNORECASE,
)


@dataclass
class Owned:
    """Names that some revision has made, whether or not another has dropped them since."""

    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    """Indexes and constraints."""
    unnamed: set[tuple[str, frozenset[str]]] = field(default_factory=set)
    """Constraints that the database names, by table and columns."""
    whole: set[str] = field(default_factory=set)
    """Tables made by SQL text, of which everything but an index is taken for ours."""
    mentioned: set[str] = field(default_factory=set)
    """Every word of the revisions that read before they go on, and so cannot be foretold."""
    context: MigrationContext | None = None
    """Its naming convention makes the names of constraints."""

    def has(self, kind: str, name: str | None, table: str, columns: Iterable[str] = ()) -> bool:
        """Whether this is ours to drop; what has no name cannot be told apart, so it is."""
        if name is None or name in self.mentioned:
            return True
        if kind == "table":
            return name in self.tables
        if table in self.whole and kind != "index":
            return True
        if kind == "column":
            return (table, name) in self.columns
        return name in self.others or (table, frozenset(columns)) in self.unnamed

    def take(self, recorded: Recorded) -> None:
        """Add what one revision makes."""
        for table in recorded.made:
            self._take_table(table)
        for operation in recorded.operations:
            self._take(operation)
        for statement in recorded.statements:
            self._take_sql(statement)

    def _take(self, operation: Any) -> None:
        match operation:
            case ops.CreateTableOp():
                self.tables.add(operation.table_name)
            case ops.AddColumnOp():
                # A table of this column alone: its constraints are then known to it.
                alone = Table(operation.table_name, MetaData())
                alone.append_column(operation.column._copy())  # noqa: SLF001  (it may have a table)
                self._take_table(alone)
            case ops.AlterColumnOp() if operation.modify_name:
                self.columns.add((operation.table_name, operation.modify_name))
                self._rename_column(operation)
            case ops.RenameTableOp():
                self._rename(operation.table_name, operation.new_table_name)
            case ops.CreateIndexOp():
                self.others.add(str(operation.index_name))
            case ops.AddConstraintOp():
                self._take_constraint(operation)

    def _take_table(self, table: Table) -> None:
        self.columns |= {(table.name, column.name) for column in table.columns}
        self.others |= {str(index.name) for index in table.indexes}
        for constraint in table.constraints:
            if constraint.name is not None:
                self.others.add(str(constraint.name))
            elif isinstance(constraint, ColumnCollectionConstraint):
                self.unnamed.add((table.name, frozenset(constraint.columns.keys())))

    def _take_constraint(self, operation: Any) -> None:
        name = getattr(operation, "constraint_name", None)
        if name is not None:
            self.others |= {str(name), str(operation.to_constraint(self.context).name)}
            return
        columns = getattr(operation, "local_cols", None) or getattr(operation, "columns", ())
        table = getattr(operation, "source_table", None) or operation.table_name
        self.unnamed.add((table, frozenset(map(str, columns or ()))))

    def _take_sql(self, statement: str) -> None:
        for match in CREATED.finditer(statement):
            if match["kind"].upper() == "TABLE":
                self.tables.add(match["name"])
                self.whole.add(match["name"])
            else:
                self.others.add(match["name"])
        for match in ADDED.finditer(statement):
            if (match["kind"] or "COLUMN").upper() == "COLUMN":
                self.columns.add((match["table"], match["name"]))
            else:
                self.others.add(match["name"])

    def _rename(self, old: str, new: str) -> None:
        self.tables.add(new)
        self.columns |= {(new, column) for table, column in self.columns if table == old}
        self.unnamed |= {(new, columns) for table, columns in self.unnamed if table == old}
        if old in self.whole:
            self.whole.add(new)

    def _rename_column(self, operation: ops.AlterColumnOp) -> None:
        old, new = operation.column_name, operation.modify_name
        self.unnamed |= {
            (table, (columns - {old}) | {str(new)})
            for table, columns in self.unnamed
            if table == operation.table_name and old in columns
        }


def recordings(
    scripts: Iterable[Script], context: MigrationContext
) -> list[tuple[Script, Recorded]]:
    """What the upgrade of each revision does, in the order that they come in.

    `context` has the naming convention.
    """
    found = []
    metadata = context.opts.get("target_metadata")
    for script in scripts:
        upgrade = getattr(script.module, "upgrade", None)
        if upgrade is not None:
            found.append((script, record(upgrade, context.dialect, metadata)))
    return found


def made_by(recorded: Iterable[tuple[Script, Recorded]], context: MigrationContext) -> Owned:
    """What these revisions make, parents first; `context` has the naming convention."""
    owned = Owned(context=context)
    for script, one in recorded:
        owned.take(one)
        if not one.is_complete:
            owned.mentioned |= set(re.findall(r"\w+", Path(script.path).read_text("utf-8")))
    return owned
