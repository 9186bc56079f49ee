"""A migrated SQLite file alone in a folder, with users whose names tell one state from another."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

NAME = "agentlogger.db"

OPEN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2]).fetchall()
print("open", flush=True)
sys.stdin.read()
"""


def alone(migrated: URL, folder: Path) -> URL:
    """A copy of a migrated database in a folder of its own, in WAL mode, with the user ada."""
    folder.mkdir()
    shutil.copy(file_of(migrated), folder / NAME)
    url = URL.create("sqlite", database=str(folder / NAME))
    add_users(url, "ada")
    return url


def file_of(url: URL) -> Path:
    """The database's file."""
    return Path(str(url.database))


def add_users(url: URL, *names: str) -> None:
    """Add rows as a server does that comes and goes."""
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        insert_users(connection, *names)


def insert_users(connection: sqlite3.Connection, *names: str) -> None:
    """Add rows on a connection that is open, in its transaction or in one of their own."""
    begins = not connection.in_transaction
    if begins:
        connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO users (id, email, created_ns) VALUES (?, ?, 0)",
        [(uuid.uuid4().hex, name) for name in names],
    )
    if begins:
        connection.execute("COMMIT")


def users(path: Path) -> list[str]:
    """Who is in a file, in the order of their names."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT email FROM users ORDER BY email")
        return [name for (name,) in found]


def names(folder: Path) -> list[str]:
    """What is in a folder, but for the lock that stays."""
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".migration-lock"))


def journal_mode(path: Path) -> str:
    """How a file keeps its transactions."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


@contextmanager
def another_process(path: Path, statement: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has run one statement on a file, and then does nothing."""
    words = [sys.executable, "-c", OPEN, str(path), statement]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()
