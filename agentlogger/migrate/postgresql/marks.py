"""Marks of every column of every PostgreSQL table, computed where the rows are.

A value's hash is seeded with that of its row's primary key, which is seeded with the salt: so the
sum over all rows does not depend on their order, and tells a value that has moved to another row.

PostgreSQL never writes over a row: a changed one is another tuple, with another xmin. So the xmin
and ctid of all tuples tell that a table's rows are the same, for a twentieth of what reading their
values costs, and the marks of an earlier moment are taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from agentlogger.migrate.ledger.tables import NAMES
from agentlogger.migrate.rehearsal.states import Mark, TableState

HIDDEN = frozenset({"alembic_version", *NAMES})

SEED = '"seed of the row"'
"""What no column is called."""

TABLES = text(
    "SELECT c.oid, n.nspname AS schema, c.relname AS bare, n.nspname = current_schema() AS is_own,"
    " quote_ident(n.nspname) AS quoted_schema, quote_ident(c.relname) AS name,"
    " ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
    "  AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,"
    # A type of the user's own may be given other labels, and a generated value another expression,
    # without a tuple being written.
    " ARRAY(SELECT CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace AND a.attgenerated = ''"
    "  THEN concat_ws(':', a.attnum, a.atttypid, a.atttypmod) END"
    "  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    "  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "  ORDER BY a.attnum) AS versions,"
    " ARRAY(SELECT pg_relation_filenode(f.relid)::text FROM pg_partition_tree(c.oid) AS f"
    "  WHERE f.isleaf ORDER BY f.relid) || pg_relation_filenode(c.oid)::text AS files,"
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


def marks(
    connection: Connection, salt: int, before: Mapping[str, TableState]
) -> Mapping[str, TableState]:
    """The rows of each table; a partitioned one is read as a whole."""
    # Where only some digits of a number were compared, a change of the others would go unseen.
    connection.execute(text("SET LOCAL extra_float_digits = 3"))
    known = {
        mark.version: mark
        for state in before.values()
        for mark in state.columns.values()
        if mark.version
    }
    found = {}
    for row in connection.execute(TABLES).all():
        if row.bare not in HIDDEN:
            name = row.name if row.is_own else f"{row.quoted_schema}.{row.name}"
            found[name] = _state(connection, row, salt, known)
    return found


def _state(connection: Connection, table: Any, salt: int, known: Mapping[str, Mark]) -> TableState:
    rows, versions = _versions(connection, table)
    columns = {
        name: known[version] for name, version in versions.items() if version and version in known
    }
    missing = [name for name in table.columns if name not in columns]
    if missing:
        columns |= _read(connection, table, salt, missing, versions)
    return TableState(rows, tuple(table.key), {name: columns[name] for name in table.columns})


def _versions(connection: Connection, table: Any) -> tuple[int, Mapping[str, str]]:
    """The number of rows, and of each column what its values cannot change without."""
    place = f"{table.quoted_schema}.{table.name}"
    rows, tuples = connection.exec_driver_sql(
        "SELECT count(*), sum(hashtextextended(xmin::text, hashtid(ctid)))"  # noqa: S608  (names from the catalogue)
        f" FROM {place}".replace("%", "%%")
    ).one()
    own = dict(zip(table.columns, table.versions, strict=True))
    key = [own[name] for name in table.key]
    if None in key:
        return rows, dict.fromkeys(table.columns, "")
    whole = f"{table.oid} {' '.join(filter(None, table.files))} {rows} {tuples} {' '.join(key)}"
    return rows, {name: f"{whole} {one}" if one else "" for name, one in own.items()}


def _read(
    connection: Connection, table: Any, salt: int, names: Sequence[str], versions: Mapping[str, str]
) -> Mapping[str, Mark]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    # Without a key all rows have the same seed, and each column is a bag of values.
    key = ", ".join(quote(column) for column in table.key)
    seed = f"hashtextextended(ROW({key})::text, {salt})" if key else f"{salt}::bigint"
    sums = [
        f"count({column}), coalesce(sum(hashtextextended({column}::text, {SEED})), 0)"
        for column in map(quote, names)
    ]
    place = f"{table.quoted_schema}.{table.name}"
    query = (
        f"SELECT {', '.join(sums)}"  # noqa: S608  (names from the catalogue)
        # Without OFFSET the planner would have the seed computed again for each column.
        f" FROM (SELECT *, {seed} AS {SEED} FROM {place} OFFSET 0) AS rows"
    )
    values = connection.exec_driver_sql(query.replace("%", "%%")).one()
    return {
        name: Mark(int(filled), int(digest), versions[name])
        for name, filled, digest in zip(names, values[::2], values[1::2], strict=True)
    }


def server(connection: Connection) -> str:
    """The server with its version."""
    version = str(connection.execute(text("SHOW server_version")).scalar_one())
    return f"PostgreSQL {version.split(maxsplit=1)[0]}"
