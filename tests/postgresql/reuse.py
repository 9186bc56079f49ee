"""Databases that are used again: making one costs a test more than all that it does.

A test gives its database back. It is emptied and given to the next one where its schema is still
the template's, to the last row of the catalogs, and nobody is connected any more; else it is
dropped. So a test that migrates, alters or wrecks its database does so to nobody else's.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812  (a class in small letters)
from sqlalchemy.engine import URL

USES = 40
"""Tests that one database serves: what they delete stays in its files, and vacuum is off."""

DELETED_MOST = 5_000
"""Rows that are deleted rather than left to a new database."""

GONE_SECONDS = 5.0
"""How long the backends of closed connections are waited for; they take milliseconds."""

CATALOGS = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_depend",
    "pg_description", "pg_enum", "pg_event_trigger", "pg_extension", "pg_foreign_server",
    "pg_index", "pg_inherits", "pg_namespace", "pg_partitioned_table", "pg_policy", "pg_proc",
    "pg_publication", "pg_rewrite", "pg_sequence", "pg_statistic_ext", "pg_trigger", "pg_type",
)  # fmt: skip
"""Whatever changes a schema writes to one of them, and each write has its transaction's number.
Statistics and vacuum overwrite in place and leave the number as it is."""

SINCE = "SELECT pg_current_xact_id()::xid::text"
"""The number of a transaction that is later than all that made the template."""

MARK = "SELECT concat_ws(' ', {})".format(
    ", ".join(
        f"(SELECT concat(count(*), ':', count(*) FILTER (WHERE age(xmin) < age('{{since}}'::xid)))"  # noqa: S608  (ours)
        f" FROM {name})"
        for name in CATALOGS
    )
)
"""Of each catalog how many rows it has, and how many of them were written since. An age is a
subtraction: to add the numbers up, by way of text, took longer."""

ALTERED = """
SELECT (SELECT count(*) FROM pg_db_role_setting JOIN pg_database ON setdatabase = pg_database.oid
        WHERE datname = current_database())
     + (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())
"""
"""What else a test may leave: settings of the database, and transactions that were prepared."""

OTHERS = """
SELECT count(*), count(*) FILTER (WHERE state IS DISTINCT FROM 'idle')
FROM pg_stat_get_activity(NULL)
WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid <> pg_backend_pid()
"""
"""Who else is connected, and how many of them are at something. It is asked of what is below
`pg_stat_activity`: planning that view takes longer than to answer it."""

END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'
"""
"""A thread that outlived its application may have left a connection behind in its pool."""

TABLES = """
SELECT format('%I.%I', nspname, relname)
FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
ORDER BY 1
"""

WRITTEN = "SELECT name FROM unnest(%s) AS name WHERE pg_relation_size(name::regclass) > 0"
"""Which of some tables have a file with something in it, if only what was deleted: to ask all of
them for a row, each is planned with all of its indexes."""

NONE = "SELECT '' WHERE false"

SEQUENCES = """
SELECT format('%I.%I', nspname, relname)
FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind = 'S' AND nspname NOT LIKE 'pg\\_%'
"""


@dataclass(frozen=True)
class Template:
    """What a database is like before a test has touched it."""

    since: str
    mark: str
    rows: Mapping[str, str]
    """For each table its rows, as COPY writes them."""
    sequences: Mapping[str, tuple[int, bool]]

    @classmethod
    def of(cls, url: URL) -> Template:
        """Read what a database is like."""
        with closing(_connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(TABLES)
            rows = {name: _rows(connection, name) for (name,) in cursor.fetchall()}
            cursor.execute(SEQUENCES)
            sequences = {}
            for (name,) in cursor.fetchall():
                cursor.execute(f"SELECT last_value, is_called FROM {name}")  # noqa: S608  (a catalog's)
                sequences[name] = cursor.fetchone()
            since = _one(connection, SINCE)
            return cls(since, _one(connection, MARK.format(since=since)), rows, sequences)

    def restore(self, url: URL) -> bool:
        """Make a database like this again. False where it is to be dropped."""
        try:
            with closing(_connect(url)) as connection, connection, connection.cursor() as cursor:
                if not _is_left(connection):
                    return False
                mark = _one(connection, MARK.format(since=self.since))
                if mark != self.mark or _one(connection, ALTERED):
                    return False
                # Neither references nor triggers: all that refers to a row goes with it.
                cursor.execute("SET LOCAL session_replication_role = replica")
                return self._refill(connection) and self._rewind(connection)
        except psycopg2.Error:
            return False

    def _refill(self, connection: Connection) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(WRITTEN, (list(self.rows),))
            questions = [
                f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})"  # noqa: S608  (a catalog's)
                for (name,) in cursor.fetchall()
            ]
            cursor.execute(" UNION ALL ".join([NONE, *questions]))
            filled = {name for (name,) in cursor.fetchall()}
            for name in sorted(filled | {name for name, rows in self.rows.items() if rows}):
                if self.rows[name] and _rows(connection, name) == self.rows[name]:
                    continue
                cursor.execute(f"DELETE FROM {name}")  # noqa: S608  (a catalog's)
                if cursor.rowcount > DELETED_MOST:
                    return False
                cursor.copy_expert(f"COPY {name} FROM STDIN", io.StringIO(self.rows[name]))
        return True

    def _rewind(self, connection: Connection) -> bool:
        with connection.cursor() as cursor:
            for name, (value, is_called) in self.sequences.items():
                cursor.execute("SELECT setval(%s, %s, %s)", (name, value, is_called))
        return True


def _connect(url: URL) -> Connection:
    return psycopg2.connect(
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        dbname=url.database,
    )


def _one(connection: Connection, question: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question)
        (found,) = cursor.fetchone() or ("",)
        return found


def _rows(connection: Connection, name: str) -> str:
    """A table's rows. Their order is that of its file, which emptying and filling keep."""
    written = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {name} TO STDOUT", written)
    return written.getvalue()


def _is_left(connection: Connection) -> bool:
    """Whether everybody else is gone. Who is connected and does nothing is sent away."""
    until = time.monotonic() + GONE_SECONDS
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(OTHERS)
            others, busy = cursor.fetchone() or (1, 1)
            if not others:
                return True
            if not busy:
                cursor.execute(END)
        # Within a transaction a session sees who was there when it first looked.
        connection.rollback()
        time.sleep(0.005)
    return False
