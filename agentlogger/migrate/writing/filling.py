"""Columns that must have a value in rows that are there already: added, filled, then required."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column, DefaultClause, MetaData

from agentlogger.migrate.causes import BadOption, Undecided
from agentlogger.migrate.options import Options
from agentlogger.migrate.verbs import BackfillOp, SetNotNullOnlineOp
from agentlogger.migrate.writing.conversions import ByDatabase
from agentlogger.migrate.writing.defaults import expression, is_filled, is_volatile, scalar
from agentlogger.migrate.writing.names import quoted
from agentlogger.migrate.writing.operations import reverses
from agentlogger.migrate.writing.phases import Place, Step
from agentlogger.migrate.writing.recalling import Recalled
from agentlogger.migrate.writing.retyping import Retyping, Rewrite
from agentlogger.migrate.writing.saying import said

PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
"""A colon in SQL text that SQLAlchemy would take for the beginning of a parameter."""


@dataclass
class Filling:
    """How the columns of one change get their values."""

    metadata: MetaData
    retyping: Retyping
    given: dict[str, str]
    """What `-x backfill=table.column=SQL` says."""
    taken: frozenset[str] = frozenset()
    """The names of the backfills that the history has."""
    used: set[str] = field(default_factory=set)
    filled: dict[tuple[str, str], str] = field(default_factory=dict)
    """The columns that a backfill fills, with its name."""

    @classmethod
    def told(
        cls, metadata: MetaData, retyping: Retyping, recalled: Recalled, options: Options
    ) -> Filling:
        """As the options of this run say. Raises BadOption for one that says no expression."""
        given = {}
        for word in options.texts("backfill"):
            column, _, sql = word.partition("=")
            if "." not in column or not sql.strip():
                raise BadOption(
                    f"-x backfill={word} must be table.column=SQL, such as "
                    "-x \"backfill=users.full_name=first_name || ' ' || last_name\"."
                )
            given[column] = sql.strip()
        return cls(metadata, retyping, given, frozenset(recalled.backfills))

    def refuse_unused(self) -> None:
        """Raise BadOption for an expression whose column this change neither adds nor requires."""
        unused = [column for column in self.given if column not in self.used]
        if unused:
            raise BadOption(
                f"-x backfill={unused[0]}=... does not fit: the models neither add that column nor "
                "make it NOT NULL, and no revision was written."
            )

    def added(self, operation: ops.AddColumnOp) -> Iterator[Step]:
        """The steps that add a column, and give it a value in all rows where it must have one."""
        column = operation.column
        told = self._told(operation.table_name, column.name)
        rewrite = self.retyping.rewrites.get((operation.table_name, column.name))
        if rewrite is not None:
            yield from self._beside(operation, rewrite, told or rewrite.forth)
            return
        # Else the rows that are there would have the default, and none would be found to be filled.
        waits = is_volatile(column) or (
            told is not None and isinstance(column.server_default, DefaultClause)
        )
        if told is None and not waits and (column.nullable or is_filled(column)):
            yield self._made([operation], operation)
            return
        value = told or expression(column) or scalar(column)
        if value is None:
            raise Undecided(_choices(operation.table_name, column))
        yield self._emptily(operation, waits=waits)
        yield self._fills(operation, column, value)
        if not column.nullable:
            yield self._requires(operation, column)

    def _beside(self, operation: ops.AddColumnOp, rewrite: Rewrite, value: str) -> Iterator[Step]:
        """The steps that fill a column from the one whose place it takes, which goes last."""
        column, table = operation.column, operation.table_name
        if is_filled(column):
            raise Undecided(
                f"{table}.{column.name} shall take the place of {rewrite.old.name} and has a "
                "default, which rows of an older program would get instead of their value: no "
                "revision was written. Leave the default out of the models until "
                f"{rewrite.old.name} is gone, and give it then, in a change of its own."
            )
        yield self._emptily(operation, waits=False)
        fill = self._fills(operation, column, value, rewrite.lacking)
        name = quoted(table, operation.schema)
        back = updating(name, rewrite.old.name, rewrite.back, rewrite.lacking_back)
        yield replace(fill, down=[ops.ExecuteSQLOp(back)])
        if not column.nullable:
            yield self._requires(operation, column)

    def _emptily(self, operation: ops.AddColumnOp, *, waits: bool) -> Step:
        """The step that adds a column without a value in the rows that are there.

        Where it `waits`, its default is given to new rows alone.
        """
        empty: Column[Any] = operation.column._copy()  # noqa: SLF001  (no public way)
        empty.nullable = True
        if waits:
            empty.server_default = None
        up: list[Any] = [ops.AddColumnOp(operation.table_name, empty, schema=operation.schema)]
        if waits:
            up.append(_gives_default(operation))
        return self._made(up, operation)

    def required(self, operation: ops.AlterColumnOp) -> Iterator[Step]:
        """The steps that make a column NOT NULL which rows may have left empty."""
        column = self._model(operation)
        value = self._told(operation.table_name, operation.column_name)
        value = value or expression(column) or scalar(column)
        if value is not None:
            yield self._fills(operation, column, value)
        yield self._requires(operation, column)

    def needs(self, table: str | None, columns: frozenset[str]) -> tuple[str, ...]:
        """The backfills that fill these columns."""
        return tuple(
            self.filled[table, column]
            for column in sorted(columns)
            if table is not None and (table, column) in self.filled
        )

    def needs_of_table(self, table: str | None) -> tuple[str, ...]:
        """The backfills that fill columns of this table."""
        return tuple(name for (one, _), name in sorted(self.filled.items()) if one == table)

    def needs_for_drop(self, table: str, column: str) -> tuple[str, ...]:
        """The backfills that fill another column from this one."""
        takers = {
            new
            for (_, new), one in self.retyping.rewrites.items()
            if (one.table, one.old.name) == (table, column)
        }
        return self.needs(table, frozenset(takers))

    def _told(self, table: str, column: str) -> str | None:
        name = f"{table}.{column}"
        if name not in self.given:
            return None
        self.used.add(name)
        return self.given[name]

    def _model(self, operation: ops.AlterColumnOp) -> Column[Any]:
        schema = operation.schema
        key = f"{schema}.{operation.table_name}" if schema else operation.table_name
        return self.metadata.tables[key].columns[operation.column_name]

    def _made(self, up: list[Any], operation: ops.AddColumnOp) -> Step:
        return Step(up, [operation.reverse()], Place.MAKE, is_alone=False, says=said(operation))

    def _fills(
        self, operation: Any, column: Column[Any], value: str, where: str | None = None
    ) -> Step:
        table = operation.table_name
        fill = BackfillOp(
            table,
            {column.name: value},
            where=where or _is_empty(column),
            name=self._free_name(f"{table}_{column.name}"),
            schema=operation.schema,
        )
        self.filled[table, column.name] = fill.name
        says = f"fill {table}.{column.name}"
        return Step([fill], [], Place.FILL, is_alone=False, says=says)

    def _free_name(self, name: str) -> str:
        """The name of a backfill, with a number where the history has filled the column before."""
        numbers = (f"{name}_{number}" for number in count(2))
        return next(one for one in chain([name], numbers) if one not in self.taken)

    def _requires(self, operation: Any, column: Column[Any]) -> Step:
        table, schema = operation.table_name, operation.schema
        verb = SetNotNullOnlineOp(table, column.name, schema=schema, existing_type=column.type)
        return Step(
            [verb],
            reverses(verb),
            Place.REQUIRE if is_filled(column) else Place.INSIST,
            is_alone=True,
            says=said(verb),
            needs=self.needs(table, frozenset({column.name})),
        )


def _gives_default(operation: ops.AddColumnOp) -> ops.AlterColumnOp:
    column = operation.column
    return ops.AlterColumnOp(
        operation.table_name,
        column.name,
        schema=operation.schema,
        existing_type=column.type,
        modify_server_default=column.server_default,
    )


def _is_empty(column: Column[Any]) -> str:
    return f"{quoted(column.name)} IS NULL"


def updating(table: str, column: str, value: str, where: str) -> str:
    """A statement for `op.execute` that fills a column of some rows."""
    given = [value, value.on_sqlite] if isinstance(value, ByDatabase) else [value]
    texts = [
        PARAMETER.sub(r"\\:", f"UPDATE {table} SET {quoted(column)} = {one} WHERE {where}")  # noqa: S608  (a revision's own text)
        for one in given
    ]
    return ByDatabase.of(texts[0], texts[-1])


def _choices(table: str, column: Column[Any]) -> str:
    name = f"{table}.{column.name}"
    own = "has no default"
    if column.default or column.server_default:
        own = "has a default that is no constant of both databases"
    return (
        f"{name} {own}, so nothing says what it is in the rows that are there: no "
        "revision was written. Give the column a server_default, or let it be nullable, or run the "
        f'command again with -x "backfill={name}=SQL", where SQL is an expression over a row, '
        "such as 'unknown' in quotes or another column."
    )
