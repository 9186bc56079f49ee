"""Putting a snapshot back: never under a server, never without keeping what it replaces.

The name of the database leads to a whole file at every moment, the old one or the new one: the new
one is made beside it, checked and synced, the old one gets a second name, and one rename puts the
new one in its place. The old file is held exclusively and outside WAL mode until then, so that who
opened it a moment too early is refused its first write by SQLite (SQLITE_READONLY_DBMOVED) and
cannot write a WAL that the new file would take for its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Locked, NoRoom, Refused, ServerAlive
from agentlogger.migrate.dialect import Difference, Restorable, Restored
from agentlogger.migrate.ledger.instances import alive
from agentlogger.migrate.sqlite import files
from agentlogger.migrate.sqlite.difference import difference, unusable
from agentlogger.migrate.sqlite.engine import make_engine
from agentlogger.migrate.sqlite.lock import make_lock
from agentlogger.migrate.sqlite.snapshots import snapshots

PATIENCE_SECONDS = 1.0
"""How long another's transaction may take outside WAL mode: longer, and it is no passing one."""

IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@dataclass(frozen=True)
class _Seized:
    """A database's file while nobody else uses it."""

    file: Path
    # None where there is no file, or SQLite cannot read it.
    connection: sqlite3.Connection | None
    damage: str


def restorable(url: URL) -> list[Restorable]:
    """What the database can be put back to: its snapshots, then the files that restores replaced.

    Each newest first.
    """
    database = files.database_file(url)
    replaced = list(files.replaced(database)) if database else []
    replaced.sort(key=files.moment, reverse=True)
    return [
        Restorable(path, kind, path.stat().st_size, _revision_of(path), _time_of(path))
        for kind, paths in (("snapshot", snapshots(url)), ("replaced", replaced))
        for path in paths
    ]


def compare(url: URL, snapshot: Path, *, doing: str) -> Difference:
    """What a restore would take out of the database. Raises what `restore` raises before it."""
    snapshot = Path(os.path.realpath(snapshot))
    with _seized(url, snapshot, doing) as seized:
        return _difference(seized, snapshot)


def restore(url: URL, snapshot: Path, *, doing: str) -> Restored:
    """Put a copy of this snapshot in the database's place, and keep the file that was there.

    The snapshot stays as it is; `doing` is what others are told meanwhile. Raises Locked while a
    migration runs, ServerAlive while anything else uses the database, NoRoom, and Refused, and
    then the database is as it was.
    """
    snapshot = Path(os.path.realpath(snapshot))
    with _seized(url, snapshot, doing) as seized:
        found = _difference(seized, snapshot)
        copy = seized.file.with_name(seized.file.name + files.RESTORING + files.UNFINISHED)
        try:
            revision = _make_copy(snapshot, copy, seized.file)
            kept = _exchange(seized, copy)
        finally:
            files.remove(copy)
    return Restored(snapshot, kept, revision, found.newer, found.damage)


@contextmanager
def _seized(url: URL, snapshot: Path, doing: str) -> Iterator[_Seized]:
    database = files.database_file(url)
    if database is None:
        raise Refused("A database in memory has no snapshots, so nothing can be restored.")
    with _faults_made_refusals(database):
        if not snapshot.is_file() or (database.exists() and snapshot.samefile(database)):
            raise unusable(snapshot, "it is no snapshot of this database")
        lock = make_lock(url, doing)
        try:
            if not lock.try_to_take():
                raise Locked(
                    f"A migration is at work ({lock.holder()}), so nothing was restored: wait for "
                    "its end, then run the same command again."
                )
            files.clean(database)
            with _alone(url, database) as seized:
                yield seized
        finally:
            lock.release()


@contextmanager
def _alone(url: URL, database: Path) -> Iterator[_Seized]:
    """The file, with SQLite's exclusive lock on it where SQLite can read it at all."""
    if not database.exists():
        yield _Seized(database, None, "there is no such file")
        return
    before, mode = database.stat(), ""
    connection: sqlite3.Connection | None
    connection = opened = files.connect(url, wait_seconds=PATIENCE_SECONDS)
    try:
        damage = ""
        try:
            _refuse_while_a_server_beats(url)
            mode = opened.execute("PRAGMA main.journal_mode").fetchone()[0]
            _lock_others_out(opened, database)
        except sqlite3.DatabaseError as fault:
            damage = files.damage_told_by(fault)
            opened.close()
            connection = None
        yield _Seized(database, connection, damage)
    finally:
        opened.close()
        if mode == "wal" and _is_still(database, before):
            _put_wal_back(url)


def _refuse_while_a_server_beats(url: URL) -> None:
    engine = make_engine(url, writes=False)
    this = (socket.gethostname(), os.getpid())
    try:
        with engine.connect() as connection:
            found = [one for one in alive(connection) if (one.host, one.pid) != this]
    except DBAPIError as fault:
        raise fault.orig or fault from None
    finally:
        engine.dispose()
    if found:
        raise ServerAlive(
            f"A server uses the database: {'; '.join(str(one) for one in found)}. Nothing was "
            "restored: stop it, then run the same command again."
        )


def _lock_others_out(connection: sqlite3.Connection, database: Path) -> None:
    """Hold the file exclusively, with everything of its WAL in it, until the connection closes.

    Leaving WAL mode is refused at once while any other connection has read from the file, however
    long it has been idle. One that was opened and has never read is not seen: SQLite refuses its
    first write afterwards.
    """
    try:
        connection.execute("PRAGMA main.journal_mode=DELETE")
        connection.execute("PRAGMA main.locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        mode = connection.execute("PRAGMA main.journal_mode").fetchone()[0]
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorcode & 0xFF not in IN_USE:
            raise
        mode = "wal"
    if mode == "wal":
        # It could not be left, or somebody came between the statements and went back to it.
        raise ServerAlive(
            f"Another process has {database} open, so nothing was restored: stop the server and "
            f"whatever else uses the file (`fuser {database}` names it), then run the same command "
            "again."
        )


def _put_wal_back(url: URL) -> None:
    # Whoever is in the way is a server, and asks for WAL mode itself.
    with (
        suppress(sqlite3.OperationalError),
        closing(files.connect(url, wait_seconds=PATIENCE_SECONDS)) as connection,
    ):
        connection.execute("PRAGMA main.journal_mode=WAL")


def _difference(seized: _Seized, snapshot: Path) -> Difference:
    if seized.connection is None:
        return Difference(None, {}, seized.damage)
    return difference(seized.connection, snapshot)


def _make_copy(snapshot: Path, copy: Path, database: Path) -> str:
    """Make the file that will be the database; return its revision.

    SQLite copies it: a snapshot that somebody has opened may have a WAL of its own.
    """
    try:
        with closing(files.connect_to_copy(snapshot)) as source:
            pages = source.execute("PRAGMA page_count").fetchone()[0]
            size = source.execute("PRAGMA page_size").fetchone()[0]
            _refuse_without_room(database, pages * size)
            files.create_empty(copy)
            with closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                revision = files.revision(target)
                target.execute("PRAGMA journal_mode=WAL")
        wrong = files.damage(copy)
    except sqlite3.DatabaseError as fault:
        wrong = files.damage_told_by(fault)
    if wrong:
        raise unusable(snapshot, wrong)
    model = database if database.exists() else snapshot
    files.adopt(copy, model)
    if not files.is_as_usable(copy, model):
        raise Refused(
            f"{model} belongs to user {model.stat().st_uid} and group {model.stat().st_gid}, and "
            "the server might be unable to use a file of this user, so nothing was restored: run "
            "the same command as that user or as root."
        )
    files.sync(copy)
    return revision


def _exchange(seized: _Seized, copy: Path) -> Path | None:
    """Give the old file a second name, then its own to the new file; return the second name."""
    database = seized.file
    kept = database.with_name(
        database.name + files.REPLACED + files.stamp(files.beside(database, files.REPLACED))
    )
    before = database.stat() if database.exists() else None
    try:
        if before is not None:
            _keep(seized, kept)
        # What an unreadable or missing file has left would be read into the new one.
        files.move_companions(database, kept)
        files.sync(database.parent)
        copy.replace(database)
    except BaseException:
        # An interruption may come after the exchange, and then the kept file is the only one.
        if _is_still(database, before):
            files.move_companions(kept, database)
            kept.unlink(missing_ok=True)
        raise
    try:
        files.sync(database.parent)
    except OSError as fault:
        raise Refused(
            f"{database} was replaced, and the disk did not confirm it ({files.reason(fault)}): "
            f"check the disk before a server is started; the old file is {kept}."
        ) from fault
    return kept if before else None


def _is_still(database: Path, before: os.stat_result | None) -> bool:
    """Whether the name still leads to the file that it led to, or still to none."""
    if not database.exists():
        return before is None
    return before is not None and os.path.samestat(before, database.stat())


def _keep(seized: _Seized, kept: Path) -> None:
    try:
        os.link(seized.file, kept)
    except OSError:
        # Not every file system has second names: then it is a copy.
        _keep_copy(seized, kept)


def _keep_copy(seized: _Seized, kept: Path) -> None:
    _refuse_without_room(seized.file, seized.file.stat().st_size)
    unfinished = kept.with_name(kept.name + files.UNFINISHED)
    files.create_empty(unfinished)
    try:
        if seized.connection is None:
            shutil.copyfile(seized.file, unfinished)
        else:
            # Opening and closing the file would give up every lock that this process has on it.
            with closing(sqlite3.connect(unfinished)) as target:
                seized.connection.backup(target)
        files.finish(unfinished, kept, like=seized.file)
    finally:
        files.remove(unfinished)


@contextmanager
def _faults_made_refusals(database: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, UnicodeError) as fault:
        cause = NoRoom if files.is_full(fault) else Refused
        raise cause(
            f"{database} could not be replaced ({files.reason(fault)}), so nothing was restored: "
            "remove the cause, then run the same command again."
        ) from fault


def _refuse_without_room(database: Path, size: int) -> None:
    missing = files.missing_room(database.parent, size)
    if missing is not None:
        free, needed = missing
        raise NoRoom(
            f"The disk of {database} has {free} MiB free, and {needed} MiB are needed for another "
            "file beside the one that is replaced, so nothing was restored: make room, then run "
            "the same command again."
        )


def _revision_of(path: Path) -> str | None:
    try:
        with closing(files.connect_to_copy(path)) as connection:
            return files.revision(connection)
    except sqlite3.Error:
        return None


def _time_of(path: Path) -> datetime:
    return files.moment(path)[0]
