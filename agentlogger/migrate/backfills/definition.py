"""What a backfill does, as its revision says it and as the database keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentlogger.migrate.causes import Unsigned
from agentlogger.migrate.ledger.signing import is_signed, signature

Quote = Callable[[str], str]
"""A name as a statement takes it."""


@dataclass(frozen=True)
class Definition:
    """Columns of a table that get a value, and the rows that need it."""

    name: str
    table: str
    schema: str | None
    assignments: tuple[tuple[str, str], ...]
    """Columns with their SQL expressions."""
    where: str | None
    """The rows that are written, as an SQL condition; None for all that are there."""
    key: tuple[str, ...]
    """The columns by which the table is walked; () for its primary key."""
    batch_seconds: float | None
    """How long a batch may take; None for what is set for all."""

    @classmethod
    def of_row(cls, row: Any) -> Definition:
        """The definition that a row of `migration_backfills` keeps."""
        return cls(
            name=row.name,
            table=row.table_name,
            schema=row.schema_name,
            assignments=tuple((column, sql) for column, sql in json.loads(row.set_sql)),
            where=row.where_sql,
            key=tuple(json.loads(row.key_columns)),
            batch_seconds=row.batch_seconds,
        )

    def columns(self, revision: str, key: bytes | None) -> Mapping[str, Any]:
        """The columns of `migration_backfills` that keep it, signed where there is a key."""
        return {
            "name": self.name,
            "revision": revision,
            "table_name": self.table,
            "schema_name": self.schema,
            "set_sql": json.dumps(self.assignments),
            "where_sql": self.where,
            "key_columns": json.dumps(self.key),
            "batch_seconds": self.batch_seconds,
            "signature": None if key is None else signature(key, self.signed_parts(revision)),
        }

    @classmethod
    def trusted(cls, row: Any, keys: Sequence[bytes]) -> Definition:
        """The definition of a row, to be executed. Raises Unsigned.

        A program that has keys takes what one of them has signed; one without takes all.
        """
        definition = cls.of_row(row)
        if keys and not is_signed(keys, definition.signed_parts(row.revision), row.signature):
            raise Unsigned(
                f"The backfill {row.name} was not registered by a program with this one's "
                "SECRET_KEY, so its SQL is not executed: look at it with `flask db backfill list "
                f"--json`, and sign it with `flask db backfill resume {row.name}`."
            )
        return definition

    def signed_parts(self, revision: str) -> tuple[str | None, ...]:
        """What a signature is over: all that is executed, and for whom."""
        executed = (json.dumps(self.assignments), self.where, json.dumps(self.key))
        return ("backfill", self.name, revision, self.schema, self.table, *executed)

    def table_sql(self, quote: Quote) -> str:
        """The table as a statement names it."""
        return f"{quote(self.schema)}.{quote(self.table)}" if self.schema else quote(self.table)

    def update(self, quote: Quote, *others: str) -> str:
        """The statement that does all of it at once, or where other conditions hold as well."""
        assigned = ", ".join(f"{quote(column)} = {sql}" for column, sql in self.assignments)
        where = self.condition(*others)
        ending = f" WHERE {where}" if where else ""
        return f"UPDATE {self.table_sql(quote)} SET {assigned}{ending}"  # noqa: S608  (the revision's own SQL)

    def condition(self, *others: str) -> str:
        """The condition for a row, and others; "" where there is none."""
        found = [*([] if self.where is None else [self.where]), *others]
        return found[0] if len(found) == 1 else " AND ".join(f"({one})" for one in found)
