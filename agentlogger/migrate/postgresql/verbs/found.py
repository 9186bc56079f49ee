"""What the catalogue says of tables, indexes and constraints that online verbs work on.

`sql` is a name as a statement takes it: quoted, and with its schema where the search path lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, make_url, text

from agentlogger.migrate.revisions.recording import dialect_of

PLAIN = dialect_of(make_url("postgresql+psycopg2://"))
"""Writes statements as PostgreSQL reads them; they run without parameters here."""

QUOTE = PLAIN.identifier_preparer.quote

TABLE = (
    "SELECT c.oid, c.relname AS name, c.relkind = 'p' AS is_partitioned,"
    " CASE WHEN NOT pg_catalog.pg_table_is_visible(c.oid) THEN n.nspname END AS schema"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
)

BY_NAME = text(f"{TABLE} WHERE c.oid = to_regclass(:name)")

PARTITIONS = text(
    f"{TABLE} JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid"
    " WHERE h.inhparent = :table AND NOT h.inhdetachpending ORDER BY c.relname"
)

# Not pg_partition_tree, which waits for whoever has locked a partition.
BELOW = (
    "WITH RECURSIVE below (oid, level) AS ("
    "  SELECT inhrelid, 1 FROM pg_catalog.pg_inherits"
    "  WHERE inhparent = :table AND NOT inhdetachpending UNION ALL"
    "  SELECT h.inhrelid, b.level + 1 FROM pg_catalog.pg_inherits h"
    "  JOIN below b ON b.oid = h.inhparent AND NOT h.inhdetachpending)"
)

EVERY_PARTITION = text(f"{BELOW} {TABLE} JOIN below b ON b.oid = c.oid ORDER BY b.level, c.relname")

WITHOUT_PART = text(
    f"{TABLE} JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid"
    " WHERE h.inhparent = :table AND NOT h.inhdetachpending AND NOT EXISTS ("
    "  SELECT FROM pg_catalog.pg_inherits j JOIN pg_catalog.pg_index i ON i.indexrelid = j.inhrelid"
    "  WHERE j.inhparent = :index AND i.indrelid = c.oid) ORDER BY c.relname"
)

IS_PARTITION = text(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits"
    " WHERE inhrelid = :table AND NOT inhdetachpending)"
)

INDEX = (
    "SELECT i.indexrelid AS oid, c.relname AS name, i.indrelid AS table, i.indisvalid AS is_valid,"
    " i.indisunique AS is_unique, m.amname AS method, i.indpred IS NOT NULL AS is_partial,"
    " EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid) AS is_attached,"
    " c.relkind = 'I' AS is_partitioned, i.indnkeyatts AS keys, ARRAY("
    "  SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)"
    "  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
    "  ORDER BY k.place) AS columns,"
    " CASE WHEN NOT pg_catalog.pg_table_is_visible(c.oid) THEN n.nspname END AS schema"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_am m ON m.oid = c.relam"
)

INDEX_BY_NAME = text(
    f"{INDEX} JOIN pg_catalog.pg_class t ON t.relnamespace = c.relnamespace"
    " WHERE c.relname = :name AND t.oid = :table"
)

A_PART = text(
    f"{INDEX} JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid WHERE h.inhparent = :index"
    " ORDER BY c.relname LIMIT 1"
)

LABELS = text(
    "SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = to_regtype(:name)"
    " ORDER BY e.enumsortorder"
)

CONSTRAINT = text(
    "SELECT o.contype::text AS kind, o.convalidated AS is_valid, o.conindid AS index,"
    " o.conparentid <> 0 OR o.coninhcount > 0 AS is_inherited,"
    " coalesce(o.confrelid = to_regclass(:referent), false) AS refers_there,"
    " ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY AS k (number, place)"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.number"
    "  ORDER BY k.place) AS columns,"
    " ARRAY(SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY AS k (number, place)"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.number"
    "  ORDER BY k.place) AS remote"
    " FROM pg_catalog.pg_constraint o WHERE o.conrelid = :table AND o.conname = :name"
)

IS_REQUIRED = text(
    "SELECT attnotnull FROM pg_catalog.pg_attribute"
    " WHERE attrelid = :table AND attname = :column AND NOT attisdropped"
)

PARTITION_KEY = text(
    "SELECT a.attname::text FROM pg_catalog.pg_partitioned_table t,"
    " unnest(t.partattrs::int2[]) AS k (number) JOIN pg_catalog.pg_attribute a"
    " ON a.attrelid = :table AND a.attnum = k.number WHERE t.partrelid = :table"
)

HAS_CITUS = text("SELECT to_regclass('pg_dist_partition') IS NOT NULL")

IS_DISTRIBUTED = text(
    "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid::oid = :table)"
)


def qualified(name: str, schema: str | None) -> str:
    """A name as a statement takes it."""
    return f"{QUOTE(schema)}.{QUOTE(name)}" if schema else QUOTE(name)


@dataclass(frozen=True)
class Table:
    """A table, or a partition of one."""

    oid: int
    name: str
    is_partitioned: bool
    schema: str | None
    """None where the search path leads to it."""

    @property
    def sql(self) -> str:
        """Its name in a statement."""
        return qualified(self.name, self.schema)


@dataclass(frozen=True)
class Index:
    """An index, whole or left half built."""

    oid: int
    name: str
    table: int
    is_valid: bool
    is_unique: bool
    method: str
    is_partial: bool
    is_attached: bool
    """Whether it is a partition's part of a partitioned table's index."""
    is_partitioned: bool
    keys: int
    columns: tuple[str | None, ...]
    """Those after the first `keys` are only included; None is an expression."""
    schema: str | None

    @property
    def sql(self) -> str:
        """Its name in a statement."""
        return qualified(self.name, self.schema)


@dataclass(frozen=True)
class Constraint:
    """A constraint, valid or not."""

    kind: str
    """As `pg_constraint.contype` has it."""
    is_valid: bool
    index: int
    is_inherited: bool
    """Whether it is a partition's part of its table's constraint."""
    refers_there: bool
    """Whether it is a foreign key to the table that was asked about."""
    columns: tuple[str, ...]
    remote: tuple[str, ...]


class Catalogue:
    """The catalogue behind a connection, asked anew each time: others change the tables too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def table(self, name: str, schema: str | None) -> Table | None:
        """A table by its name, or None."""
        row = self._connection.execute(BY_NAME, {"name": qualified(name, schema)}).one_or_none()
        return None if row is None else Table(row.oid, row.name, row.is_partitioned, row.schema)

    def partitions(self, table: Table) -> list[Table]:
        """The partitions of a table; not those of its partitions."""
        return self._tables(PARTITIONS, table=table.oid)

    def every_partition(self, table: Table) -> list[Table]:
        """The partitions of a table and of its partitions, the nearest first."""
        return self._tables(EVERY_PARTITION, table=table.oid)

    def without_part(self, table: Table, index: Index) -> list[Table]:
        """The partitions that have no part of an index of their table."""
        return self._tables(WITHOUT_PART, table=table.oid, index=index.oid)

    def labels(self, name: str) -> list[str]:
        """The values of an enum type, in order; none where there is no such type."""
        return list(self._connection.execute(LABELS, {"name": name}).scalars())

    def _tables(self, query: TextClause, **values: int) -> list[Table]:
        rows = self._connection.execute(query, values)
        return [Table(row.oid, row.name, row.is_partitioned, row.schema) for row in rows]

    def is_partition(self, table: Table) -> bool:
        """Whether a table still is a partition of another."""
        return bool(self._connection.execute(IS_PARTITION, {"table": table.oid}).scalar())

    def index(self, name: str, table: Table) -> Index | None:
        """The index of a name in the schema of a table, whichever table it is on, or None."""
        return self._index(INDEX_BY_NAME, name=name, table=table.oid)

    def a_part(self, index: Index) -> Index | None:
        """One of the indexes of partitions that are attached to this one, or None."""
        return self._index(A_PART, index=index.oid)

    def _index(self, query: TextClause, **values: str | int) -> Index | None:
        row = self._connection.execute(query, values).one_or_none()
        if row is None:
            return None
        found = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public accessor)
        return Index(**found | {"columns": tuple(row.columns)})

    def constraint(self, name: str, table: Table, referent: str = "") -> Constraint | None:
        """The constraint of a name on a table, or None; `referent` is for foreign keys."""
        values = {"name": name, "table": table.oid, "referent": referent or None}
        row = self._connection.execute(CONSTRAINT, values).one_or_none()
        if row is None:
            return None
        found = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public accessor)
        return Constraint(**found | {"columns": tuple(row.columns), "remote": tuple(row.remote)})

    def is_required(self, table: Table, column: str) -> bool:
        """Whether a column is NOT NULL; False where there is no such column."""
        values = {"table": table.oid, "column": column}
        return bool(self._connection.execute(IS_REQUIRED, values).scalar())

    def partition_key(self, table: Table) -> list[str]:
        """The columns by which a table is partitioned."""
        return list(self._connection.execute(PARTITION_KEY, {"table": table.oid}).scalars())

    def is_distributed(self, table: Table) -> bool:
        """Whether Citus keeps the rows of a table on other nodes."""
        if not self._connection.execute(HAS_CITUS).scalar():
            return False
        return bool(self._connection.execute(IS_DISTRIBUTED, {"table": table.oid}).scalar())
