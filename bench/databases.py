"""The two databases, as a benchmark sees them: count rows, and write as fast as they can."""

from __future__ import annotations

import io
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from psycopg2.extensions import connection as PostgreSQLConnection  # noqa: N812
from sqlalchemy.engine import URL, make_url

from bench.processes import Tree
from tests.postgresql.cluster import ServerFailed, read_postmaster
from tests.postgresql.server import Server, start_server

HONEST = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""What a server for tests switches off, and a server with data that matters does not."""
MEMORY = {"shared_buffers": "1GB"}
SHOWN = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")

CHUNK = 512
"""Records a transaction in the measure of a database alone: as many as an SDK sends at once."""
PREPARED = 200 * CHUNK
"""How many records one measure of a database alone writes."""


class Database(Protocol):
    """One database, with the server's tables in it after the server's first start."""

    name: str
    facts: str
    address: str

    def count(self) -> int:
        """How many records are in it, by SQL."""

    def own_limit(self) -> float:
        """Records a second that one connection writes by the database's quickest way.

        They are records that the server stored before, ready to be written, into an empty table
        with the same columns and indexes, committed in chunks.
        """

    def tree(self) -> Tree | None:
        """The database's own processes, where there are any that we may look at."""


class SQLite:
    """A SQLite file."""

    name = "SQLite"

    def __init__(self, file: Path) -> None:
        self._folder = file.parent
        self._file = file
        self.address = f"sqlite:///{self._file}"
        self.facts = f"SQLite {sqlite3.sqlite_version}, WAL, synchronous=FULL"

    def count(self) -> int:
        """How many records are in the file."""
        with closing(sqlite3.connect(self._file)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM log_records").fetchone()
            return int(count)

    def own_limit(self) -> float:
        """By `executemany` of tuples."""
        with closing(sqlite3.connect(self._file)) as stored:
            schema = stored.execute(
                "SELECT sql FROM sqlite_schema WHERE tbl_name = 'log_records' AND sql IS NOT NULL"
                " ORDER BY type DESC"  # The table before its indexes.
            ).fetchall()
            rows = stored.execute("SELECT * FROM log_records LIMIT ?", (PREPARED,))
            chunks = list(iter(lambda: rows.fetchmany(CHUNK), []))
        file = self._folder / "limit.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            for (statement,) in schema:
                connection.execute(statement)
            seconds = _write_to_sqlite(connection, chunks)
        for part in self._folder.glob("limit.db*"):
            part.unlink()
        return sum(map(len, chunks)) / seconds

    def tree(self) -> Tree | None:
        """None: SQLite runs inside the server."""
        return None


def _write_to_sqlite(connection: sqlite3.Connection, chunks: list[list[Any]]) -> float:
    marks = ", ".join("?" * len(chunks[0][0]))
    begun = time.monotonic()
    for chunk in chunks:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO log_records VALUES ({marks})", chunk)  # noqa: S608
        connection.execute("COMMIT")
    return time.monotonic() - begun


class PostgreSQL:
    """A database on a PostgreSQL server."""

    name = "PostgreSQL"

    def __init__(self, server: URL, database: str, pid: int | None) -> None:
        url = server.set(drivername="postgresql", database=database)
        self.address = url.render_as_string(hide_password=False)
        self._pid = pid
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in SHOWN)}")
            told = dict(zip(SHOWN, cursor.fetchone() or (), strict=True))
            version = str(connection.info.parameter_status("server_version")).split()[0]
        settings = ", ".join(f"{name}={value}" for name, value in told.items())
        self.facts = f"PostgreSQL {version}, {settings}"

    def _connect(self) -> PostgreSQLConnection:
        return psycopg2.connect(self.address)

    def count(self) -> int:
        """How many records are in all partitions."""
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM log_records")
            (count,) = cursor.fetchone() or (0,)
            return int(count)

    def own_limit(self) -> float:
        """By COPY of text, into a table that is partitioned as the server's is."""
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            text = io.BytesIO()
            some = "COPY (SELECT * FROM log_records LIMIT %s) TO STDOUT"
            cursor.copy_expert(cursor.mogrify(some, (PREPARED,)), text)
            lines = text.getvalue().splitlines(keepends=True)
            chunks = [
                b"".join(lines[start : start + CHUNK]) for start in range(0, len(lines), CHUNK)
            ]
            cursor.execute(
                "CREATE TABLE limit_records (LIKE log_records INCLUDING ALL)"
                " PARTITION BY RANGE (stray, ts_ns);"
                "CREATE TABLE limit_records_all PARTITION OF limit_records"
                " FOR VALUES FROM (MINVALUE, MINVALUE) TO (MAXVALUE, MAXVALUE)"
            )
            connection.commit()
            begun = time.monotonic()
            for chunk in chunks:
                cursor.copy_expert("COPY limit_records FROM STDIN", io.BytesIO(chunk))
                connection.commit()
            seconds = time.monotonic() - begun
            cursor.execute("DROP TABLE limit_records")
            connection.commit()
            return len(lines) / seconds

    def tree(self) -> Tree | None:
        """The server's processes, where the server is ours."""
        return None if self._pid is None else Tree(self._pid)


@contextmanager
def postgresql(named: str | None) -> Iterator[PostgreSQL]:
    """A database on the server that the address names, else on one of our own; it is dropped."""
    if named:
        with _database_on(make_url(named), None) as database:
            yield database
        return
    server = _own_server()
    try:
        postmaster = read_postmaster(server.folder / "data")
        pid = postmaster.pid if postmaster else None
        with _database_on(make_url(server.url()), pid) as database:
            yield database
    finally:
        server.stop()


def _own_server() -> Server:
    """A server that keeps its promises, with the memory of a small real one where there is any."""
    try:
        return start_server(settings=HONEST | MEMORY)
    except ServerFailed:
        return start_server(settings=HONEST)


@contextmanager
def _database_on(server: URL, pid: int | None) -> Iterator[PostgreSQL]:
    name = f"agentlogger_bench_{uuid.uuid4().hex[:12]}"
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield PostgreSQL(server, name, pid)
        finally:
            connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def sqlite(folder: Path) -> Iterator[SQLite]:
    """A SQLite file in a folder of its own, which is removed."""
    own = folder / uuid.uuid4().hex
    own.mkdir()
    try:
        yield SQLite(own / "agentlogger.db")
    finally:
        shutil.rmtree(own)


Make = Callable[[], AbstractContextManager[Database]]


def standing(address: str) -> Database:
    """The database that stands at this address. It is asked and served, and stays."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        return SQLite(Path(str(url.database)).absolute())
    return PostgreSQL(url, str(url.database), None)


def chosen(only: str | None, folder: Path, postgresql_url: str | None) -> dict[str, Make]:
    """How the databases are made that were asked for, by name; `folder` is for a SQLite file."""
    makes: dict[str, Make] = {
        "SQLite": lambda: sqlite(folder),
        "PostgreSQL": lambda: postgresql(postgresql_url),
    }
    return {name: make for name, make in makes.items() if only in {None, name.lower()}}
