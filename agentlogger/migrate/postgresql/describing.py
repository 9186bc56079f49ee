"""What PostgreSQL's columns can hold: for each type a value that differs by row.

Texts are digits, so that a revision can cast them to a number or to JSON.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import URL, Connection, text

from agentlogger.migrate.linting.describing import Column, Part
from agentlogger.migrate.postgresql.engine import make_engine

COLUMNS = text(
    "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,"
    " a.attnotnull AS required,"
    " a.attidentity <> '' OR d.adbin IS NOT NULL AS has_default,"
    " a.attgenerated = '' AND a.attidentity <> 'a' AS written,"
    " t.typtype::text AS kind, format_type(t.typelem, a.atttypmod) AS element,"
    " t.typelem <> 0 AND t.typlen = -1 AS is_array,"
    " format_type(t.typbasetype, t.typtypmod) AS base, t.typnotnull AS base_required,"
    " ARRAY(SELECT quote_literal(e.enumlabel) FROM pg_catalog.pg_enum e"
    "  WHERE e.enumtypid IN (a.atttypid, t.typelem) ORDER BY e.enumsortorder) AS labels"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY a.attnum"
)

PARTS = text(
    "SELECT t.relid::regclass::text AS name, pg_get_partition_constraintdef(t.relid) AS condition"
    " FROM pg_catalog.pg_partition_tree(to_regclass(:table)) t WHERE t.isleaf AND t.level > 0"
    " ORDER BY 1"
)

PARTITIONED = text(
    "SELECT partstrat::text FROM pg_catalog.pg_partitioned_table"
    " WHERE partrelid = to_regclass(:table)"
)

DIGITS = 9
"""Of a row's number at most."""

SIZED = re.compile(r"(?P<name>[a-z ]+?)(?:\((?P<size>\d+)(?:,(?P<scale>-?\d+))?\))?( with.*)?")

VALUES = {
    "smallint": "(n % 32767)::smallint",
    "integer": "n",
    "bigint": "n",
    "oid": "n::oid",
    "real": "n::real",
    "double precision": "n::double precision",
    "money": "n::numeric::money",
    "boolean": "n % 2 = 0",
    "text": "n::text",
    "citext": "n::text::citext",
    "name": "n::text::name",
    "date": "DATE '2020-01-01' + n % 2000",
    "timestamp": "TIMESTAMP '2020-01-01' + n * INTERVAL '1 second'",
    "time": "TIME '00:00' + n * INTERVAL '1 second'",
    "interval": "n * INTERVAL '1 second'",
    "uuid": "md5(n::text)::uuid",
    "bytea": "decode(md5(n::text), 'hex')",
    "json": "json_build_object('n', n)",
    "jsonb": "jsonb_build_object('n', n)",
    "inet": "INET '10.0.0.0' + n",
    "cidr": "(INET '10.0.0.0' + n)::cidr",
    "macaddr": "lpad(to_hex(n), 12, '0')::macaddr",
    "tsvector": "to_tsvector('simple', n::text)",
    "tsquery": "n::text::tsquery",
    "point": "point(n, n)",
}


def columns(connection: Connection, table: str) -> list[Column]:
    """The columns of a table, each with what a synthetic row could have there."""
    name = connection.dialect.identifier_preparer.quote(table)
    return [
        Column(
            name=row.name,
            type=row.type,
            value=_value(row),
            is_nullable=not row.required and not row.base_required,
            has_default=row.has_default,
            is_written=row.written,
        )
        for row in connection.execute(COLUMNS, {"table": name})
    ]


def _value(row: Any) -> str | None:
    if row.kind in {"r", "m"}:
        return f"'{'empty' if row.kind == 'r' else '{}'}'::{row.type}"
    if row.is_array:
        value = _of_labels(row.labels, row.element) if row.labels else _of_type(row.element)
        return None if value is None else f"ARRAY[{value}]::{row.type}"
    if row.labels:
        return _of_labels(row.labels, row.type)
    value = _of_type(row.base if row.kind == "d" else row.type)
    return None if value is None else f"({value})::{row.type}"


def _of_labels(labels: list[str], type_name: str) -> str:
    return f"((ARRAY[{', '.join(labels)}])[1 + n % {len(labels)}])::{type_name}"


def _of_type(type_name: str) -> str | None:
    match = SIZED.fullmatch(type_name)
    if match is None:
        return None
    name, size = match["name"], int(match["size"] or 0)
    if name in {"character varying", "character"}:
        # The last digits differ from row to row.
        return f"right(n::text, {size})" if size else "n::text"
    if name == "numeric":
        whole = size - int(match["scale"] or 0)
        return f"n % {10**whole}" if 0 < whole < DIGITS else "n"
    if name in {"bit", "bit varying"}:
        return f"n::bit({size or 1})"
    return VALUES.get(name)


def parts(connection: Connection, table: str) -> list[Part]:
    """The partitions of a table that hold rows; none of an ordinary table."""
    name = connection.dialect.identifier_preparer.quote(table)
    found = connection.execute(PARTS, {"table": name})
    return [Part(row.name, row.condition or "") for row in found]


def make_part(connection: Connection, table: str) -> list[Part]:
    """Give a partitioned table that has no partition one; nothing of an ordinary table.

    Where a service makes the partitions, its history alone makes none.
    """
    name = connection.dialect.identifier_preparer.quote(table)
    strategy = connection.execute(PARTITIONED, {"table": name}).scalar()
    if strategy is None:
        return []
    quoted = connection.dialect.identifier_preparer.quote(f"{table}_synthetic")
    bounds = "FOR VALUES WITH (MODULUS 1, REMAINDER 0)" if strategy == "h" else "DEFAULT"
    connection.execute(text(f"CREATE TABLE {quoted} PARTITION OF {name} {bounds}"))
    return [Part(quoted, "")]


def settle(url: URL) -> None:
    """Let a scratch database know its rows: analyzed, and the rows seen by all."""
    engine = make_engine(url, writes=True).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE)")
    finally:
        engine.dispose()


def version(connection: Connection) -> str:
    """The server's version, such as 15.18."""
    said = str(connection.execute(text("SHOW server_version")).scalar_one())
    return said.partition(" ")[0]


def literal(value: str) -> str:
    """SQL of the text by which a value is written into a statement."""
    return f"quote_nullable(({value})::text)"
