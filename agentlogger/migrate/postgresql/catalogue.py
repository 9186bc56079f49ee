"""PostgreSQL's catalogue as text: each object with what the server itself says that it is.

Compared are tables, columns, constraints, indexes, sequences, enums, functions, views, triggers,
rules, policies, statistics, and how tables store and guard their rows; in every schema but the
server's own. Not compared are the order of columns, comments, owners, rights, domains, composite
types, aggregates, and what belongs to an extension. A partition is an object by its bounds alone:
what is on it follows from its table, unless an index of it is INVALID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from agentlogger.migrate.ledger.tables import NAMES
from agentlogger.migrate.trial.objects import Thing

INVALID = " INVALID"
NOT_VALID = " NOT VALID"
BEING_BUILT = " INVALID, BEING BUILT NOW"

HIDDEN = frozenset({"alembic_version", *NAMES})

EXTENSION_MEMBERS = text(
    "SELECT d.classid::regclass::text AS class, d.objid FROM pg_catalog.pg_depend d"
    " WHERE d.deptype = 'e'"
)

RELATIONS = text(
    "SELECT c.oid, c.relkind::text AS kind, c.relname AS bare, quote_ident(c.relname) AS name,"
    " n.nspname AS schema, c.relispartition AS is_partition, c.relpersistence = 'u' AS unlogged,"
    " pg_get_partkeydef(c.oid) AS partition_key, pg_get_expr(c.relpartbound, c.oid) AS bounds,"
    " (SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = c.oid AND c.relispartition)"
    " AS parent, c.relrowsecurity AS secured, c.relforcerowsecurity AS forced,"
    " array_to_string(ARRAY(SELECT unnest(c.reloptions) ORDER BY 1), ', ') AS options,"
    " CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid, true) END AS view"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY c.relname, c.oid"
)

COLUMNS = text(
    "SELECT a.attrelid AS relation, quote_ident(a.attname) AS name,"
    " format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,"
    " a.attidentity::text AS identity, a.attgenerated::text AS generated,"
    " pg_get_expr(d.adbin, d.adrelid) AS value,"
    " CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN"
    "  (SELECT quote_ident(collname) FROM pg_catalog.pg_collation o WHERE o.oid = a.attcollation)"
    " END AS collation, a.attstorage::text AS storage, t.typstorage::text AS default_storage"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY a.attrelid, a.attnum"
)

# 'n' is NOT NULL, which PostgreSQL 18 lists here as well as with the column.
CONSTRAINTS = text(
    "SELECT o.conrelid AS relation, quote_ident(o.conname) AS name,"
    " pg_get_constraintdef(o.oid, true)"
    " || CASE WHEN i.indisvalid IS FALSE THEN ' INVALID' ELSE '' END AS definition"
    " FROM pg_catalog.pg_constraint o LEFT JOIN pg_catalog.pg_index i"
    "  ON i.indexrelid = o.conindid AND o.contype IN ('p', 'u', 'x')"
    " WHERE o.conrelid <> 0 AND o.conparentid = 0"
    " AND (o.contype IN ('c', 'f', 'p', 'u', 'x') OR o.contype = 'n' AND NOT o.convalidated)"
    " ORDER BY o.contype = 'f', o.conname"
)

# `ON ONLY` is how an index of a partitioned table is shown; making it so would leave it INVALID.
INDEXES = text(
    "SELECT i.indrelid AS relation, quote_ident(c.relname) AS name,"
    " replace(pg_get_indexdef(i.indexrelid, 0, true), ' ON ONLY ', ' ON ') AS definition,"
    " i.indisvalid AS valid, EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p"
    "  WHERE p.index_relid = i.indexrelid) AS being_built,"
    " EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid"
    "  AND o.contype IN ('p', 'u', 'x')) AS of_constraint"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " ORDER BY c.relname"
)

SEQUENCES = text(
    "SELECT c.oid, n.nspname AS schema, quote_ident(c.relname) AS name,"
    " format('AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s',"
    "  format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,"
    "  CASE WHEN s.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END) AS definition"
    " FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d"
    "  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')"
    " ORDER BY c.relname"
)

ENUMS = text(
    "SELECT t.oid, n.nspname AS schema, quote_ident(t.typname) AS name,"
    " string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) AS definition"
    " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " GROUP BY t.oid, n.nspname, t.typname ORDER BY t.typname"
)

FUNCTIONS = text(
    "SELECT p.oid, n.nspname AS schema, quote_ident(p.proname) AS name,"
    " '(' || pg_get_function_identity_arguments(p.oid) || ')' AS arguments,"
    " replace(pg_get_functiondef(p.oid), ' ' || quote_ident(current_schema()) || '.'"
    "  || quote_ident(p.proname) || '(', ' ' || quote_ident(p.proname) || '(') AS definition"
    " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND p.prokind IN ('f', 'p', 'w') ORDER BY p.proname, p.oid"
)

TRIGGERS = text(
    "SELECT t.tgrelid AS relation, quote_ident(t.tgname) AS name,"
    " pg_get_triggerdef(t.oid, true) AS definition,"
    " CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'"
    "  WHEN 'A' THEN 'ENABLE ALWAYS' END AS state"
    " FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal ORDER BY t.tgname"
)

RULES = text(
    "SELECT r.ev_class AS relation, quote_ident(r.rulename) AS name,"
    " rtrim(pg_get_ruledef(r.oid, true), ';') AS definition"
    " FROM pg_catalog.pg_rewrite r WHERE r.rulename <> '_RETURN' ORDER BY r.rulename"
)

POLICIES = text(
    "SELECT p.polrelid AS relation, quote_ident(p.polname) AS name,"
    " CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END"
    " || ' FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'"
    "  WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END"
    " || ' TO ' || coalesce((SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname)"
    "  FROM pg_catalog.pg_roles WHERE oid = ANY (p.polroles)), 'PUBLIC')"
    " || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')"
    " || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')"
    " AS definition FROM pg_catalog.pg_policy p ORDER BY p.polname"
)

STATISTICS = text(
    "SELECT s.stxrelid AS relation, quote_ident(s.stxname) AS name,"
    " replace(pg_get_statisticsobjdef(s.oid), 'STATISTICS ' || quote_ident(current_schema())"
    "  || '.', 'STATISTICS ') AS definition"
    " FROM pg_catalog.pg_statistic_ext s ORDER BY s.stxname"
)

FOUNDATIONS = text(
    "SELECT format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname) FROM pg_catalog.pg_namespace n"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " UNION ALL SELECT format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I', e.extname, n.nspname)"
    " FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
    " WHERE e.extname <> 'plpgsql'"
)

STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}


@dataclass(frozen=True)
class Relation:
    """A table or view that others hang on."""

    name: str
    is_partition: bool


class Reading:
    """One reading of a catalogue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._own = connection.execute(text("SELECT current_schema()")).scalar()
        self._members = {tuple(row) for row in connection.execute(EXTENSION_MEMBERS)}
        self._rows = [row for row in connection.execute(RELATIONS) if self._is_ours(row)]
        self._relations = {row.oid: Relation(self._qualified(row), row.is_partition)
                           for row in self._rows}  # fmt: skip
        self.found: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        """The whole catalogue, a table's columns in their order."""
        for row in self._rows:
            self._relation(row)
        for row, on in self._hanging(COLUMNS):
            self._column(row, on.name)
        for row, on in self._hanging(CONSTRAINTS):
            self._add(Thing("constraint", row.name, on.name), row.definition)
        for row, on in self._hanging(INDEXES, partitions=True):
            self._index(row, on)
        for query, kind in ((SEQUENCES, "sequence"), (ENUMS, "enum"), (FUNCTIONS, "function")):
            self._standing(query, kind)
        for query, kind in ((RULES, "rule"), (POLICIES, "policy"), (STATISTICS, "statistics")):
            for row, on in self._hanging(query):
                self._add(Thing(kind, row.name, on.name), row.definition)
        for row, on in self._hanging(TRIGGERS):
            self._add(Thing("trigger", row.name, on.name), row.definition)
            self._add(Thing("trigger state", row.name, on.name), row.state)
        return self.found

    def _add(self, thing: Thing, definition: str | None) -> None:
        # The server answers NULL for what was dropped while it was being read.
        if definition:
            self.found[str(thing)] = definition

    def _is_ours(self, row: Any) -> bool:
        return row.bare not in HIDDEN and ("pg_class", row.oid) not in self._members

    def _qualified(self, row: Any) -> str:
        if row.schema == self._own:
            return str(row.name)
        preparer = self._connection.dialect.identifier_preparer
        return f"{preparer.quote(row.schema)}.{row.name}"

    def _hanging(self, query: Any, *, partitions: bool = False) -> Iterator[tuple[Any, Relation]]:
        """What hangs on a table of ours, with the table."""
        for row in self._connection.execute(query):
            on = self._relations.get(row.relation)
            if on is not None and (partitions or not on.is_partition):
                yield row, on

    def _standing(self, query: Any, kind: str) -> None:
        """What stands by itself in a schema."""
        table = {"sequence": "pg_class", "enum": "pg_type", "function": "pg_proc"}[kind]
        for row in self._connection.execute(query):
            if (table, row.oid) not in self._members:
                arguments = getattr(row, "arguments", "")
                thing = Thing(kind, self._qualified(row), arguments=arguments)
                self._add(thing, row.definition)

    def _relation(self, row: Any) -> None:
        name = self._qualified(row)
        if row.is_partition:
            parent = self._relations.get(row.parent)
            self._add(Thing("partition", name, parent.name if parent else None), row.bounds)
            return
        if row.kind in {"v", "m"}:
            kind = "view" if row.kind == "v" else "materialized view"
            self._add(Thing(kind, name), row.view and row.view.strip().rstrip(";"))
        else:
            parts = ["unlogged"] if row.unlogged else []
            parts += [f"partitioned by {row.partition_key}"] if row.partition_key else []
            self._add(Thing("table", name), ", ".join(parts) or "ordinary")
        guard = ["ENABLE"] * row.secured + ["FORCE"] * row.forced
        self._add(Thing("row security", name), ", ".join(guard))
        self._add(Thing("options", name), row.options)

    def _column(self, row: Any, table: str) -> None:
        parts = [row.type]
        parts += [f"COLLATE {row.collation}"] if row.collation else []
        parts += ["NOT NULL"] if row.required else []
        if row.identity:
            when = "ALWAYS" if row.identity == "a" else "BY DEFAULT"
            parts.append(f"GENERATED {when} AS IDENTITY")
        elif row.generated:
            kept = "STORED" if row.generated == "s" else "VIRTUAL"
            parts.append(f"GENERATED ALWAYS AS ({row.value}) {kept}")
        elif row.value is not None:
            parts.append(f"DEFAULT {row.value}")
        name = f"{table}.{row.name}"
        self._add(Thing("column", name), " ".join(parts))
        if row.storage != row.default_storage:
            usual = STORAGE[row.default_storage]
            self._add(Thing("storage", name), f"{STORAGE[row.storage]} instead of {usual}")

    def _index(self, row: Any, on: Relation) -> None:
        if row.definition is None or ((on.is_partition or row.of_constraint) and row.valid):
            return
        if row.of_constraint and not on.is_partition:
            return
        state = "" if row.valid else BEING_BUILT if row.being_built else INVALID
        self._add(Thing("index", row.name, on.name), row.definition + state)


def catalogue(connection: Connection) -> Mapping[str, str]:
    """Each object by its kind and name (see `objects`), with its definition.

    An index that is not valid says INVALID at its end, a constraint that was not checked NOT VALID.
    The migration room's own tables and Alembic's are left out.
    """
    return Reading(connection).read()


def foundations(connection: Connection) -> list[str]:
    """Statements that give an empty database the schemas and extensions of this one."""
    return list(connection.execute(FOUNDATIONS).scalars())
