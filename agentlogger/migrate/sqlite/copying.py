"""A copy of a SQLite database to rehearse on, beside the file, gone afterwards."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL

from agentlogger.migrate.causes import NoCopy, Unreachable
from agentlogger.migrate.options import Options
from agentlogger.migrate.rehearsal.copies import Copy
from agentlogger.migrate.sqlite import files
from agentlogger.migrate.sqlite.reading import make_reader

FOLDER = ".rehearsal-"
"""Between the database's name and what makes the folder of one rehearsal its own."""

KEPT = ".rehearsed-"
"""The same, of a copy that is kept."""

ALIVE = "alive"
"""A file in that folder, locked for as long as its rehearsal lives."""

YOUNG_SECONDS = 60.0
"""A folder without that file is being made, unless it is older."""

GROWTH = 2
"""Times the database that a rehearsal may need: a table that is written anew stands twice."""

SETTLE_SECONDS = 1.0


@contextmanager
def copy(url: URL, options: Options, *, keep: bool) -> Iterator[Copy]:  # noqa: ARG001  (the protocol's)
    """A copy by SQLite's backup, which sees one moment of a database that others write to.

    It lies beside the file, so that nothing of it comes to another disk. Raises NoCopy.
    """
    database = files.database_file(url)
    if database is None:
        raise NoCopy("A database in memory cannot be copied, so nothing was rehearsed: use a file.")
    if not database.is_file():
        raise Unreachable(
            f"There is no database {database}: `flask db upgrade` makes it, or correct "
            "DATABASE_URL."
        )
    _drop_abandoned(database)
    began = time.monotonic()
    try:
        folder = Path(tempfile.mkdtemp(prefix=database.name + FOLDER, dir=database.parent))
    except OSError as fault:
        raise _refusal(database, fault) from fault
    with (folder / ALIVE).open("w") as held:
        _hold(held)
        try:
            made = folder / database.name
            size = _back_up(url, database, made)
            target = database.with_name(database.name + KEPT + folder.name.rpartition("-")[2])
            yield Copy(
                url.set(database=str(made), query={}),
                how="a copy by SQLite's backup",
                seconds=time.monotonic() - began,
                bytes=size,
                kept_as=str(target) if keep else "",
            )
            if keep:
                _keep(made, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def borrow(url: URL, given: URL) -> Iterator[Copy]:
    """Another file as it is. Raises NoCopy where it is the database, or open somewhere."""
    database, other = files.database_file(url), files.database_file(given)
    if other is None or not other.is_file():
        raise NoCopy(f"There is no database {given.database} to rehearse on: make the copy first.")
    if database is not None and database.exists() and database.samefile(other):
        raise NoCopy(
            f"--on names {other}, the database itself, and a rehearsal takes revisions back: name "
            "a copy of it, or leave --on out and one is made."
        )
    _refuse_open(given, other)
    yield Copy(given, f"{other}, as --on names it", 0.0, other.stat().st_size)


def _back_up(url: URL, database: Path, made: Path) -> int:
    engine = make_reader(url)
    try:
        with engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            size = int(
                raw.execute("PRAGMA page_count").fetchone()[0]
                * raw.execute("PRAGMA page_size").fetchone()[0]
            )
            _refuse_without_room(database, size)
            files.create_empty(made)
            with closing(sqlite3.connect(made)) as target:
                raw.backup(target)
            return size
    except (OSError, sqlite3.Error) as fault:
        raise _refusal(database, fault) from fault
    finally:
        engine.dispose()


def _refuse_without_room(database: Path, size: int) -> None:
    missing = files.missing_room(database.parent, GROWTH * size)
    if missing is not None:
        free, needed = missing
        raise NoCopy(
            f"The disk of {database} has {free} MiB free, and a rehearsal may need {needed} MiB "
            "for the copy and what is written anew in it, so nothing was copied: make room, or "
            "name a copy on another disk with --on URL."
        )


def _keep(made: Path, target: Path) -> None:
    """Bring what is in the write-ahead log into the file, and give it the name it keeps."""
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    made.rename(target)


def _refuse_open(url: URL, database: Path) -> None:
    """Outside WAL mode nobody else can be in; SQLite refuses to leave it while anybody is."""
    try:
        with closing(files.connect(url, wait_seconds=SETTLE_SECONDS)) as connection:
            mode = connection.execute("PRAGMA main.journal_mode=DELETE").fetchone()[0]
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
    except sqlite3.Error as fault:
        mode = f"wal, {fault}"
    if mode.startswith("wal"):
        raise NoCopy(
            f"Another process has {database} open, so it is no copy to rehearse on: close what "
            f"uses it (`fuser {database}` names it), or leave --on out and a copy is made."
        )


def _hold(file: IO[str]) -> None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _drop_abandoned(database: Path) -> None:
    """Remove the copies of rehearsals that were killed: the system has given their locks back."""
    for folder in files.beside(database, FOLDER):
        try:
            with (folder / ALIVE).open("r+") as file:
                _hold(file)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            if time.time() - folder.stat().st_mtime > YOUNG_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            # Its rehearsal lives, or the folder is somebody else's.
            continue


def _refusal(database: Path, fault: Exception) -> NoCopy:
    return NoCopy(
        f"No copy of {database} could be made ({files.reason(fault)}), so nothing was rehearsed: "
        "remove the cause, or name a copy that there is with --on URL."
    )
