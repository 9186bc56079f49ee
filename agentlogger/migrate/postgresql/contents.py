"""What a schema of PostgreSQL holds beside its catalogue: rows, counters, comments, rights."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Connection, text

from agentlogger.migrate.ledger.tables import NAMES
from agentlogger.migrate.trial.objects import parse

NUMBERS = re.compile(r"(smallint|integer|bigint|numeric|boolean)\b")
"""Types whose literals need no quotes."""

HIDDEN = frozenset({"alembic_version", *NAMES})

OUTSIDE = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
NO_MEMBER = "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e' AND e.objid = "

COUNTERS = text(
    "SELECT c.oid::regclass::text AS name, s.last_value FROM pg_catalog.pg_sequences s"  # noqa: S608  (constants)
    " JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.sequencename"
    f" WHERE {OUTSIDE} AND s.last_value IS NOT NULL AND {NO_MEMBER} c.oid) ORDER BY 1"
)

COMMENTS = text(
    "SELECT i.type, i.identity, i.schema, quote_literal(d.description) AS said"  # noqa: S608  (constants)
    " FROM pg_catalog.pg_description d,"
    " LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i"
    " WHERE i.schema IS NOT NULL AND i.schema !~ '^pg_' AND i.schema <> 'information_schema'"
    f" AND {NO_MEMBER} d.objoid) ORDER BY 1, 2"
)

OWNED = text(
    "SELECT d.objid::regclass::text AS sequence, d.refobjid::regclass::text AS owner,"
    " quote_ident(a.attname) AS name"
    " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
    " WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
    " AND c.relkind = 'S' AND d.deptype = 'a' ORDER BY 1"
)

RIGHTS = text(
    "SELECT c.oid::regclass::text AS name, c.relname AS bare, c.relkind = 'S' AS is_sequence,"  # noqa: S608  (constants)
    " a.privilege_type AS right, a.is_grantable AS grantable,"
    " CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,"
    " LATERAL aclexplode(c.relacl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee"
    f" WHERE {OUTSIDE} AND a.grantee <> c.relowner AND {NO_MEMBER} c.oid) ORDER BY 1, 4, 6"
)

DOMAINS = text(
    "SELECT t.oid::regtype::text AS name, format_type(t.typbasetype, t.typtypmod) AS type,"  # noqa: S608  (constants)
    " t.typnotnull AS required, t.typdefault AS value, ARRAY(SELECT format('CONSTRAINT %I %s',"
    " o.conname, pg_get_constraintdef(o.oid)) FROM pg_catalog.pg_constraint o"
    " WHERE o.contypid = t.oid AND o.contype = 'c' ORDER BY o.conname) AS checks"
    " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    f" WHERE {OUTSIDE} AND t.typtype = 'd' AND {NO_MEMBER} t.oid) ORDER BY 1"
)

OTHERS = text(
    "SELECT 'type ' || t.oid::regtype::text AS what FROM pg_catalog.pg_type t"  # noqa: S608  (constants)
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid"
    f" WHERE {OUTSIDE} AND (t.typtype = 'r' OR t.typtype = 'c' AND c.relkind = 'c'"
    f" OR t.typtype = 'b' AND t.typelem = 0) AND {NO_MEMBER} t.oid)"
    " UNION ALL SELECT 'aggregate ' || p.oid::regprocedure::text FROM pg_catalog.pg_proc p"
    " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    f" WHERE {OUTSIDE} AND p.prokind = 'a' AND {NO_MEMBER} p.oid)"
    " UNION ALL SELECT 'rights of ' || p.oid::regprocedure::text || ' ' || p.proacl::text"
    " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    f" WHERE {OUTSIDE} AND p.proacl IS NOT NULL AND {NO_MEMBER} p.oid)"
    " UNION ALL SELECT 'rights of a column, ' || a.attrelid::regclass::text || '.' || a.attname"
    " || ' ' || a.attacl::text FROM pg_catalog.pg_attribute a"
    " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE {OUTSIDE} AND a.attacl IS NOT NULL"
    " UNION ALL SELECT 'operator ' || o.oid::regoperator::text FROM pg_catalog.pg_operator o"
    f" JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE {OUTSIDE} AND {NO_MEMBER}"
    " o.oid) UNION ALL SELECT 'collation ' || o.oid::regcollation::text"
    " FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace"
    f" WHERE {OUTSIDE} AND {NO_MEMBER} o.oid)"
    " UNION ALL SELECT 'foreign table ' || c.oid::regclass::text FROM pg_catalog.pg_class c"
    f" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {OUTSIDE}"
    f" AND c.relkind = 'f' AND {NO_MEMBER} c.oid)"
    " UNION ALL SELECT 'event trigger ' || evtname FROM pg_catalog.pg_event_trigger"
    " UNION ALL SELECT 'publication ' || pubname FROM pg_catalog.pg_publication ORDER BY 1"
)
"""What no statement is known for here."""

UNKNOWN = "-- no statement for this is known here"


def counters(connection: Connection) -> Mapping[str, str]:
    """The statement that sets each sequence to where it stands."""
    return {
        f"counter {row.name}": f"SELECT setval({_literal(row.name)}, {row.last_value})"
        for row in connection.execute(COUNTERS)
    }


def beyond(connection: Connection) -> Mapping[str, str]:
    """What the catalogue does not compare: comments, rights, owned sequences, domains, others."""
    own = f"{connection.execute(text('SELECT quote_ident(current_schema())')).scalar()}."
    found: dict[str, str] = {}
    for row in connection.execute(DOMAINS):
        parts = [f"CREATE DOMAIN {row.name} AS {row.type}"]
        parts += [f"DEFAULT {row.value}"] if row.value is not None else []
        parts += ["NOT NULL"] if row.required else []
        found[f"domain {row.name}"] = " ".join([*parts, *row.checks])
    for row in connection.execute(OWNED):
        owner = f"{row.owner}.{row.name}"
        found[f"owner of {row.sequence}"] = f"ALTER SEQUENCE {row.sequence} OWNED BY {owner}"
    for row in connection.execute(RIGHTS):
        if row.bare not in HIDDEN:
            kind = "SEQUENCE" if row.is_sequence else "TABLE"
            grant = f"GRANT {row.right} ON {kind} {row.name} TO {row.grantee}"
            option = " WITH GRANT OPTION" if row.grantable else ""
            found[f"right of {row.grantee} to {row.right} {row.name}"] = grant + option
    for row in connection.execute(COMMENTS):
        kind = "column" if row.type.endswith(" column") else row.type
        name = row.identity.removeprefix(own).replace(f" on {own}", " on ")
        what = name.replace(" on ", " ON ", 1) if kind in {"trigger", "table constraint"} else name
        kind = "constraint" if kind == "table constraint" else kind
        found[f"comment on {kind} {name}"] = f"COMMENT ON {kind.upper()} {what} IS {row.said}"
    return found | {row.what: UNKNOWN for row in connection.execute(OTHERS)}


def contents(
    connection: Connection, catalogue: Mapping[str, str]
) -> dict[str, list[dict[str, str]]]:
    """The rows of each table, as literals."""
    connection.execute(text("SET LOCAL TimeZone = 'UTC'"))
    found = {}
    for table, columns in _tables(catalogue).items():
        literals = [
            f"coalesce({name}::text, 'NULL')"
            if NUMBERS.match(definition)
            else f"quote_nullable({name}::text)"
            for name, definition in columns.items()
        ]
        query = f"SELECT {', '.join(literals) or 'NULL'} FROM {table}"  # noqa: S608  (the catalogue's names)
        rows = [dict(zip(columns, row, strict=False))
                for row in connection.exec_driver_sql(query.replace("%", "%%"))]  # fmt: skip
        if rows:
            found[table] = rows
    return found


def _tables(catalogue: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """For each table its columns that take a value, with what they are."""
    found: dict[str, dict[str, str]] = {}
    for key, definition in catalogue.items():
        thing = parse(key)
        if thing.kind == "table":
            found.setdefault(thing.name, {})
        elif thing.kind == "column" and "GENERATED ALWAYS AS (" not in definition:
            found.setdefault(str(thing.belongs_to), {})[thing.last] = definition
    return found


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
