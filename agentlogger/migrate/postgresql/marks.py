"""Marks of every column of every PostgreSQL table, computed where the rows are.

A value's hash is seeded with that of its row's primary key, which is seeded with the salt: so the
sum over all rows does not depend on their order, and tells a value that has moved to another row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from agentlogger.migrate.ledger.tables import NAMES
from agentlogger.migrate.rehearsal.states import Mark, TableState

HIDDEN = frozenset({"alembic_version", *NAMES})

SEED = '"seed of the row"'
"""What no column is called."""

TABLES = text(
    "SELECT n.nspname AS schema, c.relname AS bare, n.nspname = current_schema() AS is_own,"
    " quote_ident(n.nspname) AS quoted_schema, quote_ident(c.relname) AS name,"
    " ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
    "  AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,"
    " ARRAY(SELECT a.attname::text FROM pg_catalog.pg_index i"
    "  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number"
    "  WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts"
    "  ORDER BY k.place) AS key"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'"
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS ("
    "  SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass"
    "  AND d.objid = c.oid AND d.deptype = 'e')"
    " ORDER BY n.nspname, c.relname"
)


def marks(connection: Connection, salt: int) -> Mapping[str, TableState]:
    """The rows of each table; a partitioned one is read as a whole."""
    # Where only some digits of a number were compared, a change of the others would go unseen.
    connection.execute(text("SET LOCAL extra_float_digits = 3"))
    found = {}
    for row in connection.execute(TABLES).all():
        if row.bare not in HIDDEN:
            name = row.name if row.is_own else f"{row.quoted_schema}.{row.name}"
            found[name] = _state(connection, row, salt)
    return found


def _state(connection: Connection, table: Any, salt: int) -> TableState:
    quote = connection.dialect.identifier_preparer.quote_identifier
    columns = [quote(column) for column in table.columns]
    # Without a key all rows have the same seed, and each column is a bag of values.
    key = ", ".join(quote(column) for column in table.key)
    seed = f"hashtextextended(ROW({key})::text, {salt})" if key else f"{salt}::bigint"
    sums = [
        f"count({column}), coalesce(sum(hashtextextended({column}::text, {SEED})), 0)"
        for column in columns
    ]
    place = f"{table.quoted_schema}.{table.name}"
    query = (
        f"SELECT {', '.join(['count(*)', *sums])}"  # noqa: S608  (names from the catalogue)
        # Without OFFSET the planner would have the seed computed again for each column.
        f" FROM (SELECT *, {seed} AS {SEED} FROM {place} OFFSET 0) AS rows"
    )
    rows, *values = connection.exec_driver_sql(query.replace("%", "%%")).one()
    filled, digests = values[::2], values[1::2]
    return TableState(
        rows=int(rows),
        key=tuple(table.key),
        columns={
            name: Mark(int(count), int(digest))
            for name, count, digest in zip(table.columns, filled, digests, strict=True)
        },
    )


def server(connection: Connection) -> str:
    """The server with its version."""
    version = str(connection.execute(text("SHOW server_version")).scalar_one())
    return f"PostgreSQL {version.split(maxsplit=1)[0]}"
