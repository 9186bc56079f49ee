"""What keeps a snapshot from being put back. On SQLite only: PostgreSQL has none of its own."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from agentlogger.migrate.causes import Locked, NoRoom, Refused, ServerAlive
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.options import Options
from agentlogger.migrate.sqlite import files
from agentlogger.migrate.sqlite.answers import compare, make_lock, restore, snapshot
from tests.migrations.sqlite_file import (
    NAME,
    add_users,
    alone,
    another_process,
    file_of,
    insert_users,
    journal_mode,
    names,
    users,
)
from tests.newest_revision import HEAD

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

DOING = "flask db restore-snapshot"


@pytest.fixture
def url(database_url, tmp_path) -> URL:
    """A migrated database with one user, alone in its folder."""
    return alone(database_url, tmp_path / "data")


@pytest.fixture
def made(url) -> Path:
    """A snapshot with ada; bea came later."""
    made = snapshot(url, Options([], {}), ["next"])
    assert made is not None
    add_users(url, "bea")
    return made


def beat(url: URL, *, host: str, pid: int, seconds_ago: float) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        tables.make(connection)
        seen = time.time_ns() - int(seconds_ago * 10**9)
        connection.execute(
            tables.INSTANCES.insert().values(
                instance=f"{host}:{pid}", version="1.4.0", heads=HEAD, host=host, pid=pid,
                started_ns=seen, seen_ns=seen,
            )
        )  # fmt: skip
        connection.commit()
    engine.dispose()


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    "statement", ["PRAGMA journal_mode=WAL", "SELECT count(*) FROM users", "BEGIN IMMEDIATE"]
)
def test_refused_while_another_process_has_the_file_open_however_idle(url, made, statement):
    before = names(file_of(url).parent)
    with another_process(file_of(url), statement):
        for refused in (compare, restore):
            with pytest.raises(ServerAlive, match=r"Another process has .*agentlogger\.db open"):
                refused(url, made, doing=DOING)
        assert journal_mode(file_of(url)) == "wal"

    assert users(file_of(url)) == ["ada", "bea"]
    assert names(file_of(url).parent) == before
    assert restore(url, made, doing=DOING).revision == HEAD


def test_outside_wal_mode_a_transaction_of_another_process_is_respected(url, made):
    with closing(sqlite3.connect(file_of(url))) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")

    with (
        another_process(file_of(url), "BEGIN IMMEDIATE"),
        pytest.raises(ServerAlive, match="Another process has"),
    ):
        restore(url, made, doing=DOING)


def test_who_came_between_leaving_wal_mode_and_locking_is_seen(url, made, monkeypatch):
    """A server that starts in this very moment goes back to WAL mode."""
    connect = files.connect

    class Interrupted(sqlite3.Connection):
        def execute(self, statement: str, *values):  # type: ignore[override]
            if statement == "PRAGMA main.locking_mode=EXCLUSIVE":
                assert journal_mode(file_of(url)) == "delete"
                assert server.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
            return super().execute(statement, *values)

    def interrupted(url: URL, *, wait_seconds: float) -> sqlite3.Connection:
        monkeypatch.setattr(files, "connect", connect)
        return sqlite3.connect(
            file_of(url), timeout=wait_seconds, isolation_level=None, factory=Interrupted
        )

    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as server:
        monkeypatch.setattr(files, "connect", interrupted)
        with pytest.raises(ServerAlive, match="Another process has"):
            restore(url, made, doing=DOING)
        insert_users(server, "cleo")

    assert users(file_of(url)) == ["ada", "bea", "cleo"]


def test_who_opened_the_old_file_a_moment_too_early_is_refused_by_sqlite(url, made):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as early:
        restored = restore(url, made, doing=DOING)
        with pytest.raises(sqlite3.OperationalError, match="readonly database"):
            early.execute("PRAGMA journal_mode=WAL")
        with pytest.raises(sqlite3.OperationalError, match="readonly database"):
            insert_users(early, "cleo")
        add_users(url, "dora")

    assert restored.kept is not None
    assert users(restored.kept) == ["ada", "bea"]
    assert users(file_of(url)) == ["ada", "dora"]


def test_nobody_can_come_in_while_it_works(url, made, monkeypatch):
    seen = []
    backup_begins = files.create_empty

    def look(path: Path) -> None:
        with closing(sqlite3.connect(file_of(url), timeout=0)) as other:
            try:
                other.execute("SELECT count(*) FROM users")
            except sqlite3.OperationalError as fault:
                seen.append(str(fault))
        backup_begins(path)

    monkeypatch.setattr(files, "create_empty", look)
    restore(url, made, doing=DOING)

    assert seen == ["database is locked"]


@pytest.mark.parametrize(
    ("host", "pid", "seconds_ago", "is_alive"),
    [
        ("another-machine", 1, 5.0, True),
        ("another-machine", 1, 31.0, False),
        (socket.gethostname(), os.getppid(), 5.0, True),
        (socket.gethostname(), dead_process(), 5.0, False),
    ],
    ids=["elsewhere", "elsewhere-long-ago", "here", "here-and-dead"],
)
def test_refused_while_a_server_was_seen_lately(url, host, pid, seconds_ago, is_alive):
    beat(url, host=host, pid=pid, seconds_ago=seconds_ago)
    made = snapshot(url, Options([], {}), ["next"])
    assert made is not None
    if not is_alive:
        assert restore(url, made, doing=DOING).newer == {}
        return

    with pytest.raises(ServerAlive, match=rf"1\.4\.0 \(process {pid} on {host}, seen 5 s ago\)"):
        restore(url, made, doing=DOING)

    assert names(file_of(url).parent) == sorted([NAME, made.name])
    assert journal_mode(file_of(url)) == "wal"


def test_refused_while_a_migration_is_at_work_and_says_whose(url, made):
    lock = make_lock(url, "flask db upgrade")
    assert lock.try_to_take()
    with pytest.raises(Locked, match=rf"process {os.getpid()} on .*`flask db upgrade`"):
        restore(url, made, doing=DOING)
    lock.release()

    assert restore(url, made, doing=DOING).revision == HEAD


@pytest.mark.parametrize("content", [b"", b"this is text" * 500, None])
def test_what_is_no_database_is_not_restored(url, made, content):
    if content is None:
        made.unlink()
    else:
        made.write_bytes(content)
    before = names(file_of(url).parent)

    with pytest.raises(Refused, match=r"cannot be restored .* lists them"):
        restore(url, made, doing=DOING)

    assert users(file_of(url)) == ["ada", "bea"]
    assert names(file_of(url).parent) == before


def test_a_damaged_snapshot_is_not_restored(url):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        insert_users(connection, *(f"user {n}" for n in range(2000)))
    made = snapshot(url, Options([], {}), ["next"])
    assert made is not None
    content = bytearray(made.read_bytes())
    content[50 * 4096 : 51 * 4096] = bytes(4096)
    made.write_bytes(content)

    with pytest.raises(Refused, match="cannot be restored"):
        restore(url, made, doing=DOING)

    assert len(users(file_of(url))) == 2001


def test_the_database_is_no_snapshot_of_itself(url):
    with pytest.raises(Refused, match="it is no snapshot of this database"):
        restore(url, file_of(url), doing=DOING)


def test_without_room_for_another_file_nothing_is_restored(url, made, monkeypatch):
    usage = shutil.disk_usage(made.parent)._replace(free=made.stat().st_size)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    with pytest.raises(NoRoom, match="1 MiB are needed"):
        restore(url, made, doing=DOING)

    assert users(file_of(url)) == ["ada", "bea"]


def test_whoever_cannot_give_the_file_its_owner_is_told_to_become_that_user(url, made, monkeypatch):
    monkeypatch.setattr(files, "is_as_usable", lambda *_: False)

    with pytest.raises(Refused, match=r"belongs to user \d+ and group \d+"):
        restore(url, made, doing=DOING)

    assert users(file_of(url)) == ["ada", "bea"]
