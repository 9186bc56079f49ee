"""Synthetic rows: made of what the catalogue says of each table, the same in every run.

Each value is SQL that differs with the row's number `n`; foreign keys take their parents' keys,
and CHECKs and partitions are obeyed as far as values can be found for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import first_line
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.linting.conditions import WORD, Values, obeying
from agentlogger.migrate.linting.describing import Column, Part, Table
from agentlogger.migrate.trial.sampling import children_first, found_in

FIRST = 1_000_000
"""The number of the first row: a revision that inserts rows of its own gives them small ids."""

SAMPLE_ROWS = 200
"""So many are looked at to see whether they obey a condition."""


@dataclass(frozen=True)
class Filled:
    """How many rows a table has, and why they are not those that were wanted; "" where they are."""

    rows: int
    reason: str = ""


class _Refused(Exception):  # noqa: N818  (it is what happened)
    """A table cannot be filled, for this reason."""


def described(
    connection: Connection,
    dialect: Dialect,
    later: Mapping[str, Sequence[Table]] | None = None,
    *,
    makes_parts: bool = False,
) -> dict[str, Table]:
    """Every table behind a connection but partitions and our own, parents before their children.

    `later` are the same tables after revisions to come: their rules are to be obeyed too. A table
    that is partitioned and has no partition gets one if `makes_parts`, unless it will get its own.
    """
    names, columns, references = found_in(connection, dialect.unowned(connection))
    reader = inspect(connection)
    found: dict[str, Table] = {}
    for name in names:
        own = tuple(dialect.columns(connection, name))
        known = {column.name for column in own}
        to_come = [table for table in (later or {}).get(name, ()) if not _differ(own, table)]
        keys = [one for one in references if one.child == name]
        keys += [
            one
            for table in to_come
            for one in table.references
            if one not in keys
            and set(one.columns) <= known
            and all((one.parent, column) in columns for column in one.parent_columns)
        ]
        conditions = [str(one["sqltext"]) for one in reader.get_check_constraints(name)]
        conditions += [one for table in to_come for one in table.conditions]
        parts = dialect.parts(connection, name)
        if not parts and makes_parts and not any(table.parts for table in to_come):
            parts = dialect.make_part(connection, name)
        rules = tuple(dict.fromkeys(conditions))
        found[name] = Table(name, own, tuple(keys), rules, tuple(parts))
    every = [one for table in found.values() for one in table.references]
    return {name: found[name] for name in reversed(children_first(names, every))}


def _differ(own: Sequence[Column], table: Table) -> bool:
    """Whether a table to come is another one, which only has the name of this."""
    return not {column.name for column in own} & {column.name for column in table.columns}


def elsewhere(connection: Connection) -> dict[str, Filled]:
    """The tables of other schemas than the session's own, which are not filled."""
    reader = inspect(connection)
    return {
        f"{schema}.{name}": Filled(0, "only tables of the session's own schema are filled")
        for schema in reader.get_schema_names()
        if schema not in {reader.default_schema_name, "information_schema", "main"}
        and not schema.startswith("pg_")
        for name in reader.get_table_names(schema=schema)
    }


class Filler:
    """Fills the tables of one scratch database.

    In every second row what may be NULL is, but for the tables that are to be `whole`.
    """

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        tables: Mapping[str, Table],
        whole: Iterable[str],
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._tables = tables
        self._whole = frozenset(whole)
        self._quote = connection.dialect.identifier_preparer.quote

    def fill(self, name: str, rows: int) -> Filled:
        """Give a table so many rows, if it has fewer."""
        there = self._count(name)
        if there >= rows:
            return Filled(there)
        table = self._tables[name]
        reason = ""
        for part in table.parts or (None,):
            first = FIRST + there
            numbers = (first, first + max(1, (rows - there) // max(1, len(table.parts))) - 1)
            target = part.name if part is not None else self._quote(name)
            try:
                values, source = self._row(table, part, numbers, with_nulls=name not in self._whole)
                columns = ", ".join(map(self._quote, values))
                with self._connection.begin_nested():
                    self._run(
                        f"INSERT INTO {target} ({columns}) {_numbers(*numbers)} "
                        f"SELECT {', '.join(values.values())} {source} WHERE true "
                        "ON CONFLICT DO NOTHING"
                    )
            except _Refused as refused:
                reason = str(refused)
            except DBAPIError as fault:
                reason = first_line(fault)
        return Filled(self._count(name), reason)

    def insert(self, name: str, number: int) -> str | None:
        """What inserts a row with a value in every column that can have one; None where none can.

        It is of use after the table has changed: it asks for nothing.
        """
        table = self._tables[name]
        numbers = (number, number)
        try:
            with self._connection.begin_nested():
                part = table.parts[0] if table.parts else None
                values, source = self._row(table, part, numbers, with_nulls=False)
                written = ", ".join(self._dialect.literal(value) for value in values.values())
                row = self._run(f"{_numbers(*numbers)} SELECT {written} {source}").one()
        except (_Refused, DBAPIError):
            return None
        if not values:
            return None
        columns = ", ".join(map(self._quote, values))
        return f"INSERT INTO {self._quote(name)} ({columns}) VALUES ({', '.join(row)})"  # noqa: S608  (quoted)

    def _row(
        self, table: Table, part: Part | None, numbers: tuple[int, int], *, with_nulls: bool
    ) -> tuple[Values, str]:
        """SQL of each column's value, and where the rows come from. Raises _Refused."""
        values, source = self._referring(table)
        for column in table.columns:
            if column.name in values or not column.is_written:
                continue
            is_asked = part is not None and column.name in WORD.findall(part.condition)
            if column.has_default and not is_asked:
                continue
            if column.value is not None:
                values[column.name] = column.value
            elif not column.is_nullable:
                raise _Refused(
                    f"no value of the type {column.type}, which {column.name} has, is known"
                )
        if with_nulls:
            values |= {
                column.name: f"CASE WHEN n % 2 = 0 THEN {values[column.name]} END"
                for column in table.columns
                if column.is_nullable and column.name in values
            }
        conditions = (*((part.condition,) if part and part.condition else ()), *table.conditions)
        first, last = numbers
        sample = _numbers(first, min(last, first + SAMPLE_ROWS - 1))

        def breaks(chosen: Mapping[str, str], condition: str) -> bool:
            return self._breaks(chosen, f"{sample} SELECT", source, condition)

        found, broken = obeying(values, table.columns, conditions, breaks)
        if broken:
            raise _Refused(f"no values that obey {broken} were found")
        return found, source

    def _referring(self, table: Table) -> tuple[Values, str]:
        """The columns that refer to something, and what they take their values from."""
        values: Values = {}
        joined = ""
        by_name = {column.name: column for column in table.columns}
        for place, one in enumerate(table.references):
            if set(one.columns) & set(values):
                continue
            rows = 0 if one.parent == table.name else self._count(one.parent)
            if rows:
                listed = ", ".join(
                    f"{self._quote(column)} AS c{at}"
                    for at, column in enumerate(one.parent_columns)
                )
                joined += (
                    f" JOIN (SELECT row_number() OVER () AS k, {listed}"  # noqa: S608  (quoted)
                    f" FROM {self._quote(one.parent)}) AS p{place} ON p{place}.k = 1 + n % {rows}"
                )
                values |= {column: f"p{place}.c{at}" for at, column in enumerate(one.columns)}
                continue
            own = [by_name[column].value for column in one.parent_columns if column in by_name]
            if one.parent == table.name and len(own) == len(one.columns) and all(own):
                # Each row refers to itself.
                values |= {
                    column: str(value) for column, value in zip(one.columns, own, strict=True)
                }
                values |= {
                    column: str(value)
                    for column, value in zip(one.parent_columns, own, strict=True)
                }
            elif any(not by_name[column].is_nullable for column in one.columns):
                raise _Refused(f"it refers to {one.parent}, which has no rows")
            else:
                values |= {name: f"CAST(NULL AS {by_name[name].type})" for name in one.columns}
        return values, f"FROM numbers{joined}"

    def _breaks(self, values: Mapping[str, str], select: str, source: str, condition: str) -> bool:
        listed = ", ".join(f"{value} AS {self._quote(name)}" for name, value in values.items())
        try:
            with self._connection.begin_nested():
                found = self._run(
                    f"SELECT 1 FROM ({select} {listed} {source}) AS synthetic "  # noqa: S608  (the catalogue's own)
                    f"WHERE NOT ({condition}) LIMIT 1"
                )
                return found.first() is not None
        except DBAPIError:
            # It is about a column that is left to the database, or not about a row alone.
            return False

    def _count(self, name: str) -> int:
        return int(self._run(f"SELECT count(*) FROM {self._quote(name)}").scalar_one())  # noqa: S608  (quoted)

    def _run(self, statement: str) -> Any:
        # As it stands: without parameters a percent sign is one.
        return self._connection.exec_driver_sql(
            statement, execution_options={"no_parameters": True}
        )


def _numbers(first: int, last: int) -> str:
    """A relation `numbers` with a column `n`, on both databases."""
    return (
        f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL"  # noqa: S608  (numbers)
        f" SELECT n + 1 FROM numbers WHERE n < {last})"
    )
