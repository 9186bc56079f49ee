"""What PostgreSQL's catalogue says of tables, beyond what a reflection shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from agentlogger.migrate.dialect import Leftover
from agentlogger.migrate.revisions.recording import Recorded

EXACT_UP_TO = 200_000
"""Rows that are counted; more are estimated from the catalogue, which costs nothing."""

UNOWNED = text(
    "SELECT c.relname FROM pg_catalog.pg_class c"
    " WHERE c.relkind IN ('r', 'p', 'f') AND (c.relispartition OR EXISTS ("
    "  SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass"
    "  AND d.objid = c.oid AND d.deptype = 'e'))"
)

LEFTOVERS = text(
    "SELECT 'index' AS kind, c.relname AS name, t.relname AS table"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_class t ON t.oid = i.indrelid"
    " WHERE NOT i.indisvalid AND c.relkind = 'i' AND pg_catalog.pg_table_is_visible(t.oid)"
    " UNION ALL SELECT 'constraint', o.conname, t.relname FROM pg_catalog.pg_constraint o"
    " JOIN pg_catalog.pg_class t ON t.oid = o.conrelid"
    " WHERE NOT o.convalidated AND o.conparentid = 0 AND pg_catalog.pg_table_is_visible(t.oid)"
    " ORDER BY 1, 3, 2"
)

ESTIMATE = text(
    "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0) FROM pg_catalog.pg_class c"
    " WHERE c.relkind IN ('r', 'm') AND (c.oid = to_regclass(:table) OR c.oid IN ("
    "  SELECT relid FROM pg_catalog.pg_partition_tree(to_regclass(:table))))"
)


LONG_TRANSACTIONS = text(
    "SELECT pid, application_name AS application, state,"
    " round(extract(epoch FROM clock_timestamp() - xact_start))::integer AS seconds,"
    " left(query, 100) AS query FROM pg_catalog.pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND xact_start < clock_timestamp() - interval '5 seconds' ORDER BY xact_start"
)


def unowned(connection: Connection) -> frozenset[str]:
    """Tables that no model will ever name: partitions, and what belongs to an extension.

    Alembic would write `drop_table` for each (alembic#539).
    """
    return frozenset(connection.execute(UNOWNED).scalars())


def broken_references(connection: Connection) -> list[str]:  # noqa: ARG001  (the protocol's)
    """None: PostgreSQL checks each foreign key by itself."""
    return []


def leftovers(connection: Connection) -> list[Leftover]:
    """INVALID indexes and constraints that were never validated."""
    return [Leftover(*row) for row in connection.execute(LEFTOVERS)]


def finish_leftover_index(connection: Connection, name: str) -> None:
    """Drop the INVALID index of this name, if there is one. Called in autocommit mode."""
    if any(left.kind == "index" and left.name == name for left in leftovers(connection)):
        quoted = connection.dialect.identifier_preparer.quote(name)
        connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}"))


def long_transactions(connection: Connection) -> list[dict[str, Any]]:
    """Others' transactions that have been open for over five seconds, and what they did last."""
    return [dict(row) for row in connection.execute(LONG_TRANSACTIONS).mappings()]


def long_blocks(connection: Connection, recorded: Recorded) -> list[tuple[str, float]]:  # noqa: ARG001
    """Nothing: a lock on one table is bounded by the lock timeout, and others are not stopped."""
    return []


def rows(connection: Connection, table: str) -> tuple[int, bool]:
    """How many rows a table has, and whether that is exact; large tables are estimated."""
    quoted = connection.dialect.identifier_preparer.quote(table)
    estimate = int(connection.execute(ESTIMATE, {"table": quoted}).scalar_one())
    if estimate > EXACT_UP_TO:
        return estimate, False
    counted = connection.execute(
        text(f"SELECT count(*) FROM (SELECT FROM {quoted} LIMIT {EXACT_UP_TO + 1}) AS counted")  # noqa: S608
    ).scalar_one()
    return int(counted), counted <= EXACT_UP_TO
