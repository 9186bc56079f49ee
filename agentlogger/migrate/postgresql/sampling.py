"""Some rows of a live PostgreSQL database, in a scratch database: what refers to what comes along.

The live database is only read, in one transaction that sees one moment of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from psycopg2 import Error
from sqlalchemy import URL

from agentlogger.migrate.causes import Failed
from agentlogger.migrate.postgresql.engine import make_engine
from agentlogger.migrate.postgresql.reading import make_reader
from agentlogger.migrate.trial.estimating import Sampled
from agentlogger.migrate.trial.sampling import MOST_BYTES, Amount, Reference, Wanted

FEWEST_ROWS = 100
"""However wide they are."""

ROOM = 1.3
"""Pages are chosen by chance, so a few more than are needed are asked for."""

ALL = 100.0
"""Per cent."""

SAMPLED_PAGES = 1000
"""Of a table that was never analyzed, so many pages are read to learn how many rows one holds."""

LOCK_TIMEOUT = "5s"
"""Reading waits for a strong lock that somebody else holds, but not for ever."""

PARTITIONS = """
SELECT t.relid::regclass::text, t.parentrelid::regclass::text, pg_get_expr(c.relpartbound, c.oid),
 CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END
FROM pg_catalog.pg_class r CROSS JOIN LATERAL pg_partition_tree(r.oid) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid
WHERE r.relkind = 'p' AND NOT r.relispartition AND t.level > 0 AND c.relkind IN ('r', 'p')
ORDER BY t.level, 1
"""

SIZES = """
SELECT c.reltuples, c.relpages,
 pg_relation_size(c.oid) / current_setting('block_size')::integer, pg_table_size(c.oid)
FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'm')
AND (c.oid = to_regclass(%(name)s)
 OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(%(name)s))))
"""

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
AND a.attgenerated = '' ORDER BY a.attnum
"""

FOREIGN_KEYS = """
SELECT o.conrelid::regclass::text, quote_ident(o.conname), pg_get_constraintdef(o.oid)
FROM pg_catalog.pg_constraint o
WHERE o.contype = 'f' AND o.conparentid = 0 AND (o.conrelid = ANY(%(tables)s::regclass[])
 OR o.confrelid = ANY(%(tables)s::regclass[]))
"""

SEQUENCES = """
SELECT s.oid::regclass::text, d.refobjid::regclass::text, quote_ident(a.attname)
FROM pg_catalog.pg_class s JOIN pg_catalog.pg_depend d ON d.objid = s.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE s.relkind = 'S' AND d.deptype IN ('a', 'i') AND d.refobjid = ANY(%s::regclass[])
"""


def sample(url: URL, place: URL, wanted: Wanted, amount: Amount) -> dict[str, Sampled]:
    """Take rows of each table that both databases have, with those that they refer to.

    Partitions that the live database has beyond the history are made as well.
    """
    reader, writer = make_reader(url), make_engine(place, writes=True)
    try:
        with reader.connect() as live, writer.connect() as scratch:
            live.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            from_raw: Any = live.connection.dbapi_connection
            to_raw: Any = scratch.connection.dbapi_connection
            with from_raw.cursor() as source, to_raw.cursor() as target:
                found = _Copy(source, target, wanted, amount).run()
            to_raw.commit()
            to_raw.autocommit = True
            with to_raw.cursor() as target:
                # As a table is that has been there for a while: analyzed, its hint bits set.
                target.execute("VACUUM (ANALYZE)")
            to_raw.autocommit = False
            return found
    except Error as fault:
        reason = str(fault).strip().partition("\n")[0]
        raise Failed(
            f"The rows of {url.database} could not be tried in the scratch database ({reason}): "
            "`flask db drift` shows where the two differ."
        ) from fault
    finally:
        reader.dispose()
        writer.dispose()


class _Copy:
    """One copying of rows, from a cursor of the live database to one of the scratch database."""

    def __init__(self, source: Any, target: Any, wanted: Wanted, amount: Amount) -> None:
        self._source = source
        self._target = target
        self._wanted = wanted
        self._amount = amount
        self._taken: dict[str, Sampled] = {}

    def run(self) -> dict[str, Sampled]:
        """Take the rows. The caller commits."""
        self._make_partitions()
        names = [
            name
            for name in self._wanted.tables
            if _ask(self._source, "SELECT to_regclass(%s)", _quoted(name))[0][0] is not None
        ]
        quoted = [_quoted(name) for name in names]
        if not names:
            return {}
        self._target.execute(f"TRUNCATE {', '.join(quoted)} CASCADE")
        with self._without_checks(quoted):
            for name in names:
                self._taken[name] = self._take(name)
            self._drop_orphans()
        self._taken = {name: self._counted(name) for name in names}
        for sequence, table, column in _ask(self._target, SEQUENCES, quoted):
            self._target.execute(
                f"SELECT setval(%s, coalesce(max({column}), 0) + 1, false) FROM {table}",  # noqa: S608  (quoted)
                (sequence,),
            )
        return self._taken

    def _make_partitions(self) -> None:
        there = {row[0] for row in _ask(self._target, PARTITIONS)}
        for name, parent, bound, key in _ask(self._source, PARTITIONS):
            if name not in there:
                by = f" PARTITION BY {key}" if key else ""
                # Not where a database made by hand has another parent than the history makes.
                with self._unless_refused():
                    self._target.execute(f"CREATE TABLE {name} PARTITION OF {parent} {bound}{by}")

    @contextmanager
    def _without_checks(self, tables: Sequence[str]) -> Iterator[None]:
        """Let rows come in any order, and let no trigger do what it has done before."""
        keys = _ask_with(self._target, FOREIGN_KEYS, {"tables": list(tables)})
        for table, name, _ in keys:
            self._target.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for table in tables:
            self._target.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in tables:
            self._target.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table, name, definition in keys:
            self._target.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

    def _take(self, name: str) -> Sampled:
        table = _quoted(name)
        most, found = 0, Sampled(0, is_exact=False, taken=0)
        with self._unless_refused() as refused:
            rows, width = self._size(table)
            room = max(FEWEST_ROWS, int(MOST_BYTES / max(1.0, width)))
            is_whole = rows <= min(self._amount.whole, room)
            most = min(self._amount.whole if is_whole else self._amount.most, room)
            found = Sampled(rows, is_exact=is_whole, taken=0)
            columns = self._columns(table)
            listed = ", ".join(columns)
            # One more than fits tells that there are more than the catalogue knew.
            chosen, left = "", most + 1
            if not found.is_exact:
                for query in self._referred(name, columns, most):
                    self._copy(query, table, listed)
                left = max(0, most - self._count(table))
                chosen = f" TABLESAMPLE SYSTEM ({min(ALL, ALL * ROOM * left / rows)})"
            self._copy(f"SELECT {listed} FROM {table}{chosen} LIMIT {left}", table, listed)  # noqa: S608  (quoted)
        taken = self._count(table)
        is_exact = found.is_exact and not refused and taken <= most
        return Sampled(
            taken if is_exact else max(found.rows, taken), is_exact, taken, "".join(refused)
        )

    def _size(self, table: str) -> tuple[int, float]:
        """How many rows a table has, as the planner would say, and the bytes of one."""
        parts = _ask_with(self._source, SIZES, {"name": table})
        pages = sum(part[2] for part in parts)
        if all(part[1] > 0 and part[0] >= 0 for part in parts if part[2]):
            rows = sum(part[0] / part[1] * part[2] for part in parts if part[2])
        else:
            percent = min(ALL, ALL * SAMPLED_PAGES / max(1, pages))
            # Which pages are read is chance, so it is the rows of a page that count.
            ((counted, read),) = _ask(
                self._source,
                "SELECT count(*), count(DISTINCT (tableoid, (ctid::text::point)[0]))"  # noqa: S608  (quoted)
                f" FROM {table} TABLESAMPLE SYSTEM ({percent})",
            )
            rows = counted / max(1, read) * (pages if percent < ALL else read)
        return round(rows), float(sum(part[3] for part in parts)) / max(1.0, rows)

    def _columns(self, table: str) -> dict[str, str]:
        """The columns that both have, quoted, with their types in the live database."""
        types = {_quoted(row[0]): row[1] for row in _ask(self._source, COLUMNS, table)}
        there = [_quoted(row[0]) for row in _ask(self._target, COLUMNS, table)]
        return {column: types[column] for column in there if column in types}

    def _referred(self, name: str, columns: dict[str, str], most: int) -> Iterator[str]:
        """What asks for the rows that those already taken refer to."""
        for one in self._wanted.references:
            if one.parent != name or one.child == name or one.child not in self._taken:
                continue
            keys = [_quoted(column) for column in one.parent_columns]
            if not set(keys) <= set(columns):
                continue
            values = self._values(one, most)
            if not values:
                continue
            lists = ", ".join(
                self._source.mogrify("%s::text[]", ([row[at] for row in values],)).decode()
                for at in range(len(keys))
            )
            joined = " AND ".join(
                f"t.{key} = k.c{at}::{columns[key]}" for at, key in enumerate(keys)
            )
            names = ", ".join(f"c{at}" for at in range(len(keys)))
            listed = ", ".join(f"t.{column}" for column in columns)
            yield (
                f"SELECT {listed} FROM {_quoted(name)} t"  # noqa: S608  (quoted)
                f" JOIN unnest({lists}) AS k({names}) ON {joined}"
            )

    def _values(self, one: Reference, most: int) -> list[tuple[str, ...]]:
        listed = ", ".join(f"{_quoted(column)}::text" for column in one.columns)
        given = " AND ".join(f"{_quoted(column)} IS NOT NULL" for column in one.columns)
        return _ask(
            self._target,
            f"SELECT DISTINCT {listed} FROM {_quoted(one.child)} WHERE {given} LIMIT {most}",  # noqa: S608  (quoted)
        )

    def _copy(self, query: str, table: str, columns: str) -> None:
        """Put what a query of the live database gives into a table."""
        rows = io.BytesIO()
        self._source.copy_expert(f"COPY ({query}) TO STDOUT", rows)
        rows.seek(0)
        run = self._target.execute
        run(f"CREATE TEMP TABLE taken ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608  (quoted)
        self._target.copy_expert(f"COPY taken ({columns}) FROM STDIN", rows)
        run(
            f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"  # noqa: S608  (quoted)
            f" SELECT {columns} FROM taken ON CONFLICT DO NOTHING"
        )
        run("DROP TABLE taken")

    def _drop_orphans(self) -> None:
        """Let nothing refer to rows that were not taken, or take it out where it must."""
        gone = True
        while gone:
            gone = False
            for one in self._wanted.references:
                if one.is_there and {one.child, one.parent} <= set(self._taken):
                    self._target.execute(_orphans(one))
                    gone = gone or self._target.rowcount > 0

    def _counted(self, name: str) -> Sampled:
        """What is left of a table's rows, once those that referred to nothing are gone."""
        return replace(self._taken[name], taken=self._count(_quoted(name)))

    def _count(self, table: str) -> int:
        return int(_ask(self._target, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608  (quoted)

    @contextmanager
    def _unless_refused(self) -> Iterator[list[str]]:
        """Go on where one of the databases refuses; the block's list is then the reason."""
        refused: list[str] = []
        for cursor in (self._source, self._target):
            cursor.execute("SAVEPOINT trying")
        try:
            yield refused
        except Error as fault:
            refused.append(str(fault).strip().partition("\n")[0])
            for cursor in (self._source, self._target):
                cursor.execute("ROLLBACK TO SAVEPOINT trying")
        for cursor in (self._source, self._target):
            cursor.execute("RELEASE SAVEPOINT trying")


def _orphans(one: Reference) -> str:
    """What makes a reference be none, or takes out its row, where it refers to nothing."""
    columns = [_quoted(column) for column in one.columns]
    child, parent = f"{_quoted(one.child)}", f"{_quoted(one.parent)}"
    given = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
    same = " AND ".join(
        f"c.{column} = p.{_quoted(referred)}"
        for column, referred in zip(columns, one.parent_columns, strict=True)
    )
    orphan = f"WHERE {given} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})"
    if one.is_optional:
        nothing = ", ".join(f"{column} = NULL" for column in columns)
        return f"UPDATE {child} AS c SET {nothing} {orphan}"  # noqa: S608  (quoted)
    return f"DELETE FROM {child} AS c {orphan}"  # noqa: S608  (quoted)


def _ask(cursor: Any, query: str, *values: Any) -> list[Any]:
    cursor.execute(query, values or None)
    return list(cursor.fetchall())


def _ask_with(cursor: Any, query: str, values: dict[str, Any]) -> list[Any]:
    cursor.execute(query, values)
    return list(cursor.fetchall())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
