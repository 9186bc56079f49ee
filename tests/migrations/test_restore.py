"""Putting a snapshot back. On SQLite only: PostgreSQL's backups are its operator's."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.options import Options
from agentlogger.migrate.sqlite import files
from agentlogger.migrate.sqlite.answers import compare, restorable, restore, snapshot
from tests.migrations.checkout import ROOT
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
TEXT = b"this is text" * 5000


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


def test_the_database_is_what_it_was_and_what_it_became_is_kept(url, made):
    content = made.read_bytes()
    file_of(url).chmod(0o600)

    restored = restore(url, made, doing=DOING)

    assert users(file_of(url)) == ["ada"]
    assert restored.revision == HEAD
    assert restored.newer == {"users": 1}
    assert restored.kept is not None
    assert users(restored.kept) == ["ada", "bea"]
    assert made.read_bytes() == content
    assert journal_mode(file_of(url)) == "wal"
    assert file_of(url).stat().st_mode & 0o777 == 0o600
    assert names(file_of(url).parent) == sorted([NAME, made.name, restored.kept.name])


def test_a_server_can_write_afterwards_and_the_snapshot_stays_as_it_is(url, made):
    restored = restore(url, made, doing=DOING)
    add_users(url, "cleo")

    assert restored.kept is not None
    assert users(file_of(url)) == ["ada", "cleo"]
    assert users(made) == ["ada"]
    assert users(restored.kept) == ["ada", "bea"]


def test_a_restore_can_be_taken_back(url, made):
    kept = restore(url, made, doing=DOING).kept
    assert kept is not None
    restore(url, kept, doing=DOING)

    assert users(file_of(url)) == ["ada", "bea"]
    assert users(kept) == ["ada", "bea"]
    assert [one.kind for one in restorable(url)] == ["snapshot", "replaced", "replaced"]
    assert restorable(url)[0].path == made
    assert {one.revision for one in restorable(url)} == {HEAD}


def test_records_are_newer_even_where_as_many_old_ones_were_deleted(url, made):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        connection.execute("DELETE FROM users")
        insert_users(connection, "cleo", "dora", "emma")
        connection.execute('CREATE TABLE "it\'s {new}" (text)')
        connection.execute('INSERT INTO "it\'s {new}" VALUES (1), (2)')
        connection.execute("CREATE TABLE empty (text)")

    found = compare(url, made, doing=DOING)

    assert found.newer == {"users": 3, "it's {new}": 2}
    assert found.revision == HEAD
    assert users(file_of(url)) == ["cleo", "dora", "emma"]
    assert journal_mode(file_of(url)) == "wal"


def test_without_a_primary_key_the_numbers_tell(url):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        connection.execute("CREATE TABLE words (text)")
        connection.execute("INSERT INTO words VALUES ('a'), ('b')")
        before = snapshot(url, Options([], {}), ["next"])
        connection.execute("INSERT INTO words VALUES ('a')")
    assert before is not None

    assert compare(url, before, doing=DOING).newer == {"words": 1}


@pytest.mark.parametrize("what", ["snapshot", "restore"])
def test_killed_at_any_step_either_the_old_or_the_new_database_is_there(url, what):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.migrations.killing", str(file_of(url)), what],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 10


@pytest.mark.parametrize("step", ["replace", "sync", "adopt", "damage"])
def test_what_fails_leaves_everything_as_it_was(url, made, step, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    before = names(file_of(url).parent)
    monkeypatch.setattr(os if step == "replace" else files, step, refuse)
    with pytest.raises(Refused, match=r"Device or resource busy.*nothing was restored"):
        restore(url, made, doing=DOING)
    monkeypatch.undo()

    assert names(file_of(url).parent) == before
    assert users(file_of(url)) == ["ada", "bea"]
    assert journal_mode(file_of(url)) == "wal"


def test_where_a_file_can_have_one_name_only_the_kept_file_is_a_copy(url, made, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    restored = restore(url, made, doing=DOING)

    assert restored.kept is not None
    assert users(restored.kept) == ["ada", "bea"]
    assert users(file_of(url)) == ["ada"]
    assert names(file_of(url).parent) == sorted([NAME, made.name, restored.kept.name])


@pytest.fixture
def damaged(url, made) -> bytes:
    """The WAL of a server that was killed, beside a file that has become text."""
    assert made.exists()
    with another_process(file_of(url), "PRAGMA journal_mode=WAL") as server:
        with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
            insert_users(connection, "cleo")
        server.kill()
        server.wait()
    file_of(url).write_bytes(TEXT)
    return Path(f"{url.database}-wal").read_bytes()


def test_a_damaged_database_can_be_restored_and_its_wal_does_not_follow(url, made, damaged):
    restored = restore(url, made, doing=DOING)

    assert restored.damage == "file is not a database"
    assert users(file_of(url)) == ["ada"]
    assert files.damage(file_of(url)) == ""
    assert restored.kept is not None
    assert restored.kept.read_bytes() == TEXT
    assert Path(f"{restored.kept}-wal").read_bytes() == damaged
    assert restorable(url)[1].revision is None


def test_what_fails_or_is_killed_leaves_a_damaged_database_its_wal(url, made, damaged, monkeypatch):
    wal = Path(f"{url.database}-wal")

    def refuse(*_):
        assert not wal.exists()
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(Refused, match="busy"):
        restore(url, made, doing=DOING)
    assert wal.read_bytes() == damaged

    killed = file_of(url).with_name(f"{NAME}.replaced-20261122T134501Z")
    killed.hardlink_to(file_of(url))
    wal.rename(f"{killed}-wal")
    assert [one.path for one in restorable(url)] == [made]
    files.clean(file_of(url))
    assert wal.read_bytes() == damaged
    assert file_of(url).read_bytes() == TEXT
    assert not killed.exists()


def test_a_database_with_a_damaged_table_can_be_restored(url, made):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        insert_users(connection, *(f"user {n}" for n in range(2000)))
    content = bytearray(file_of(url).read_bytes())
    half = len(content) // 2 // 4096 * 4096
    content[half:] = bytes(len(content) - half)
    file_of(url).write_bytes(content)

    restored = restore(url, made, doing=DOING)

    assert "malformed" in restored.damage
    assert users(file_of(url)) == ["ada"]
    assert restored.kept is not None
    assert restored.kept.stat().st_size == len(content)


@pytest.mark.usefixtures("damaged")
def test_a_database_that_is_gone_can_be_restored(url, made):
    file_of(url).unlink()

    restored = restore(url, made, doing=DOING)

    assert restored.kept is None
    assert restored.damage == "there is no such file"
    assert users(file_of(url)) == ["ada"]
    assert files.damage(file_of(url)) == ""


def test_a_snapshot_that_somebody_has_opened_and_changed_is_restored_as_it_is(url, made):
    opened = URL.create("sqlite", database=str(made))
    add_users(opened, "yve")
    with another_process(made, "SELECT count(*) FROM users") as other:
        add_users(opened, "zoe")
        other.kill()
        other.wait()
    assert Path(f"{made}-wal").stat().st_size > 0
    # Else comparing the two has already brought the snapshot's WAL into its file.
    file_of(url).unlink()
    restore(url, made, doing=DOING)

    assert users(file_of(url)) == ["ada", "yve", "zoe"]


def test_the_restored_file_belongs_to_whom_the_old_one_did(url, made, monkeypatch):
    given = []
    monkeypatch.setattr(os, "chown", lambda path, *owner: given.append((path.name, owner)))
    restore(url, made, doing=DOING)

    model = made.stat()
    assert given == [(f"{NAME}.restoring.unfinished", (model.st_uid, model.st_gid))]


def test_a_link_stays_a_link(url, made, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(file_of(url))

    restore(URL.create("sqlite", database=str(link)), made, doing=DOING)

    assert link.is_symlink()
    assert users(link) == users(file_of(url)) == ["ada"]
