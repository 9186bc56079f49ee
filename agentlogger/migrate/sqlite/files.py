"""The database's file and what lies beside it: its name, its connections, its copies.

A name may be a symbolic link or a URI; all that is made here lies beside the file it leads to, on
the disk whose room counts, and where a rename replaces the file and not the link.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import URL

from agentlogger.migrate.ledger.tables import NAMES

SHARED_MEMORY = "-shm"
COMPANIONS = ("-wal", SHARED_MEMORY, "-journal")
"""What SQLite keeps beside a file that is open, or was when its process died."""

UNFINISHED = ".unfinished"
"""The end of a copy's name until it is whole, checked and on disk."""

BEFORE = ".before-"
"""Between the database's name and the revision before which a snapshot was made."""

RESTORING = ".restoring"
"""After the database's name, while a restore makes the file that will take its place."""

REPLACED = ".replaced-"
"""Between the database's name and the time at which a restore has put another file in its place."""

BOOKKEEPING = NAMES | {"alembic_version"}
"""Tables that tell of migrations and hold nobody's records."""

ROOM_FACTOR = 1.1
"""How much of a copy's size must be free: with some air for what else is written meanwhile."""

STAMP = "%Y%m%dT%H%M%SZ"
STAMPED = re.compile(r"-(\d{8}T\d{6}Z)(?:-(\d+))?$")
"""The end of a name: when the file was made, and which one it is of those of one second."""

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
FULL = {errno.ENOSPC, errno.EDQUOT}


def database_file(url: URL) -> Path | None:
    """The file itself, absolute and behind every link, present or not; None for one in memory."""
    (name, *_), options = url.get_dialect()().create_connect_args(url)
    if options.get("uri") and name.startswith("file:"):
        path, _, query = name.removeprefix("file:").partition("#")[0].partition("?")
        if path.startswith("//"):
            path = "/" + path.removeprefix("//").partition("/")[2]
        name = ":memory:" if "mode=memory" in query.split("&") else unquote(path)
    return None if name in {"", ":memory:"} else Path(os.path.realpath(name))


def connect(url: URL, *, wait_seconds: float) -> sqlite3.Connection:
    """A connection as the application's own would be, which waits so long for another's lock."""
    (name, *_), options = url.get_dialect()().create_connect_args(url)
    connection: sqlite3.Connection = sqlite3.connect(
        name, **(dict(options) | {"timeout": wait_seconds, "isolation_level": None})
    )
    return connection


def connect_to_copy(path: Path) -> sqlite3.Connection:
    """A connection to a copy, which it cannot change."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)


def tables(connection: sqlite3.Connection, schema: str = "main") -> list[str]:
    """The tables with somebody's records, in the order of their names."""
    found = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'"  # noqa: S608  (our words)
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        " ORDER BY name"
    )
    return [name for (name,) in found if name not in BOOKKEEPING]


def revision(connection: sqlite3.Connection) -> str:
    """The revision that the database is at, several joined by "+"; "" for none."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
    if there.fetchone() is None:
        return ""
    found = connection.execute("SELECT version_num FROM alembic_version ORDER BY version_num")
    return "+".join(name for (name,) in found)


def packed_size(connection: sqlite3.Connection) -> int:
    """How many bytes a copy without free pages needs, what is in the WAL included."""
    pages, free, size = (
        connection.execute(f"PRAGMA main.{name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def damage(path: Path) -> str:
    """What is wrong with a copy, "" where nothing is: every page is where its tree says.

    It takes a sixth of the time of the copy, 0.7 s to 4.1 s for 1 GB; `integrity_check`, which
    compares indexes with tables too, took 2.2 s (measured).
    """
    try:
        with closing(connect_to_copy(path)) as connection:
            # Whether its rows are such as they should be is not the copy's affair.
            connection.execute("PRAGMA ignore_check_constraints=ON")
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as fault:
        return str(fault)
    return "" if found == "ok" else str(found)


def missing_room(folder: Path, size: int) -> tuple[int, int] | None:
    """How many MiB are free there and how many a copy of this size needs; None where it fits."""
    free, needed = shutil.disk_usage(folder).free, round(size * ROOM_FACTOR)
    return None if free >= needed else (free // 2**20, -(-needed // 2**20))


def is_full(fault: Exception) -> bool:
    """Whether a disk or a quota had no room for what was written."""
    if isinstance(fault, OSError):
        return fault.errno in FULL
    return getattr(fault, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def damage_told_by(fault: sqlite3.DatabaseError) -> str:
    """What makes a database unreadable. Raises the fault where it is not of the content."""
    if getattr(fault, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
        return str(fault)
    raise fault


def reason(fault: Exception) -> str:
    """What SQLite or the system says of a fault, in its own words."""
    return (fault.strerror if isinstance(fault, OSError) else None) or str(fault)


def create_empty(path: Path) -> None:
    """An empty file that nobody but its owner can read while it is being filled."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def finish(path: Path, final: Path, *, like: Path) -> None:
    """Give a whole copy its name: on disk, and as readable as the file that it was made from."""
    adopt(path, like)
    sync(path)
    path.rename(final)
    sync(final.parent)


def adopt(path: Path, like: Path) -> None:
    """Give a file the mode of another, and its owner where the system lets this process."""
    model = like.stat()
    with suppress(PermissionError):
        # Only root may give a file away; `is_as_usable` says where that matters.
        os.chown(path, model.st_uid, model.st_gid)
    path.chmod(model.st_mode & 0o777)


def is_as_usable(path: Path, like: Path) -> bool:
    """Whether who may use the one file may use the other."""
    this, model = path.stat(), like.stat()
    same_group = this.st_gid == model.st_gid or not model.st_mode & 0o070
    return this.st_uid == model.st_uid and same_group


def sync(path: Path) -> None:
    """Return when a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def beside(database: Path, infix: str) -> list[Path]:
    """The files whose names begin with the database's and this, in no order."""
    if not database.parent.is_dir():
        return []
    start = database.name + infix
    return [path for path in database.parent.iterdir() if path.name.startswith(start)]


def moment(path: Path) -> tuple[datetime, int]:
    """When a file was made, by its name, and which one of its second. Raises ValueError."""
    found = STAMPED.search(path.name)
    if found is None:
        raise ValueError(path.name)
    return datetime.strptime(found[1], STAMP).replace(tzinfo=UTC), int(found[2] or 1)


def is_stamped(path: Path) -> bool:
    """Whether a file's name ends with a time."""
    try:
        moment(path)
    except ValueError:
        return False
    return True


def stamp(others: list[Path]) -> str:
    """The end of a name for a file that is made now; it sorts after those of the same second."""
    now = datetime.now(UTC).replace(microsecond=0)
    known = [moment(path) for path in others if is_stamped(path)]
    nth = 1 + max((nth for made, nth in known if made == now), default=0)
    return now.strftime(STAMP) + (f"-{nth}" if nth > 1 else "")


def remove(path: Path) -> None:
    """Delete a database file and what SQLite keeps beside it, as far as they are there."""
    for suffix in ("", *COMPANIONS):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def move_companions(file: Path, other: Path) -> None:
    """Give what SQLite has left beside one file to another, unless that has its own already."""
    for suffix in COMPANIONS:
        companion = file.with_name(file.name + suffix)
        target = other.with_name(other.name + suffix)
        if suffix == SHARED_MEMORY:
            # An index of the WAL, made anew by whoever comes first.
            companion.unlink(missing_ok=True)
        elif companion.exists() and not target.exists():
            companion.rename(target)


def clean(database: Path) -> None:
    """Delete what a killed snapshot or restore has left. The caller holds the migration's lock."""
    for infix in (BEFORE, RESTORING, REPLACED):
        for path in beside(database, infix):
            companion = next((one for one in COMPANIONS if path.name.endswith(one)), "")
            if path.name.removesuffix(companion).endswith(UNFINISHED):
                path.unlink(missing_ok=True)
    for path in beside(database, REPLACED):
        # A second name of the database itself: killed before the exchange.
        if database.exists() and path.samefile(database):
            move_companions(path, database)
            path.unlink()


def replaced(database: Path) -> Iterator[Path]:
    """The files that restores have replaced, in no order."""
    for path in beside(database, REPLACED):
        if is_stamped(path) and not (database.exists() and path.samefile(database)):
            yield path
