"""A snapshot before each upgrade. On SQLite only: PostgreSQL's backups are its operator's."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy.engine import URL, make_url

from agentlogger.migrate.causes import NoRoom, Refused
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.options import Options
from agentlogger.migrate.sqlite import files
from agentlogger.migrate.sqlite.answers import make_engine, snapshot, snapshots
from tests.migrations.sqlite_file import add_users, alone, file_of, insert_users, names, users
from tests.newest_revision import HEAD

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

NEXT = "0a1b2c3d4e5f"


class Usage(NamedTuple):
    """What a disk has, in bytes."""

    total: int
    used: int
    free: int


def options(count: int = 3) -> Options:
    return Options([f"snapshots={count}"], {})


@pytest.fixture
def url(database_url, tmp_path) -> URL:
    """A migrated database with one user, alone in its folder."""
    return alone(database_url, tmp_path / "data")


class Clock(datetime):
    """A clock that stands still."""

    moment = datetime(2026, 11, 22, 13, 45, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


@pytest.fixture
def clock(monkeypatch) -> type[Clock]:
    monkeypatch.setattr(files, "datetime", Clock)
    monkeypatch.setattr(Clock, "moment", Clock.moment)
    return Clock


def test_a_snapshot_is_the_whole_database_as_it_was(url):
    made = snapshot(url, options(), [NEXT])
    add_users(url, "bea")

    assert made is not None
    assert users(made) == ["ada"]
    assert files.damage(made) == ""
    assert snapshots(url) == [made]


@pytest.mark.usefixtures("clock")
def test_its_name_tells_what_came_next_where_the_database_was_and_when(url):
    made = snapshot(url, options(), [NEXT, "ffffffffffff"])

    assert made == file_of(url).with_name(
        f"agentlogger.db.before-{NEXT}-at-{HEAD}-20261122T134501Z"
    )


@pytest.mark.usefixtures("clock")
def test_two_of_one_second_are_two(url):
    made = [snapshot(url, options(), [NEXT]) for _ in range(3)]

    assert len(set(made)) == 3
    assert snapshots(url) == made[::-1]


def test_as_many_are_kept_as_are_wanted(url):
    made = [snapshot(url, options(2), [NEXT]) for _ in range(4)]

    assert snapshots(url) == [made[3], made[2]]


def test_the_newest_stays_even_if_the_clock_was_put_back(url, clock):
    snapshot(url, options(1), [NEXT])
    clock.moment = datetime(2026, 11, 22, 11, 0, 0, tzinfo=UTC)

    assert snapshots(url) != [made := snapshot(url, options(1), [NEXT])]
    assert snapshots(url) == [made]


def test_none_is_made_where_none_is_wanted_or_there_is_nothing_to_keep(url, tmp_path):
    fresh = URL.create("sqlite", database=str(tmp_path / "fresh.db"))
    absent = URL.create("sqlite", database=str(tmp_path / "absent.db"))
    engine = make_engine(fresh, writes=True)
    with engine.connect() as connection:
        tables.make(connection)
    engine.dispose()

    assert snapshot(url, options(0), [NEXT]) is None
    assert snapshot(url, options(), []) is None
    assert snapshot(fresh, options(), [NEXT]) is None
    assert snapshot(absent, options(), [NEXT]) is None
    assert snapshot(make_url("sqlite://"), options(), [NEXT]) is None
    assert not Path(str(absent.database)).exists()
    assert snapshots(absent) == []


def test_what_is_only_in_the_wal_is_in_the_snapshot(url):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("BEGIN")
        insert_users(connection, *(f"user {n}" for n in range(2000)))
        connection.execute("COMMIT")
        wal = Path(f"{url.database}-wal")
        assert wal.stat().st_size > 100_000

        made = snapshot(url, options(), [NEXT])

    assert made is not None
    assert len(users(made)) == 2001


def test_a_writer_is_not_waited_for_and_its_transaction_is_not_in_it(url):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        insert_users(connection, "half done")

        made = snapshot(url, options(), [NEXT])

        connection.execute("COMMIT")
    assert made is not None
    assert users(made) == ["ada"]
    assert users(file_of(url)) == ["ada", "half done"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_snapshot_is_as_private_as_the_database_and_more_while_it_is_made(url, mode, monkeypatch):
    file_of(url).chmod(mode)
    modes = []
    check = files.damage
    monkeypatch.setattr(
        files, "damage", lambda path: modes.append(path.stat().st_mode & 0o777) or check(path)
    )
    made = snapshot(url, options(), [NEXT])

    assert made is not None
    assert modes == [0o600]
    assert made.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    "odd", ["it's 'quoted'", "100% of [it]*?", "a#b?mode=ro", 'say "ü"', "new\nline"]
)
def test_an_odd_name_is_a_name(url, tmp_path, odd):
    folder = tmp_path / odd
    folder.mkdir()
    path = folder / f"{odd}.db"
    shutil.copy(file_of(url), path)
    # Begins alike, and is another's.
    path.with_name(f"{odd}.db2.before-{NEXT}-at-{HEAD}-20261122T134501Z").touch()
    other = URL.create("sqlite", database=str(path))

    made = [snapshot(other, options(1), [NEXT]) for _ in range(2)][-1]

    assert made is not None
    assert users(made) == ["ada"]
    assert snapshots(other) == [made]


def test_a_link_is_followed_to_where_the_file_is(url, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(file_of(url))
    linked = URL.create("sqlite", database=str(link))

    made = snapshot(linked, options(), [NEXT])

    assert made is not None
    assert made.parent == file_of(url).parent
    assert snapshots(linked) == snapshots(url) == [made]


def test_a_database_may_be_given_as_a_uri(url):
    path = file_of(url)
    named = [
        make_url(f"sqlite:///file:{path}?mode=rw&uri=true"),
        make_url(f"sqlite:///file://{path}?uri=true&cache=private"),
        make_url(f"sqlite:///{path}?timeout=5"),
    ]

    made = [snapshot(one, options(), [NEXT]) for one in named]

    assert snapshots(url) == made[::-1]
    assert files.database_file(make_url("sqlite:///file:x?mode=memory&uri=true")) is None
    assert files.database_file(make_url("sqlite:///file::memory:?uri=true")) is None


def test_without_room_on_the_disk_it_is_refused_and_says_how_much_is_needed(url, monkeypatch):
    size = file_of(url).stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 0, round(size * 1.05)))

    with pytest.raises(NoRoom, match=r"0 MiB free.* needs 1 MiB.*-x snapshots=0"):
        snapshot(url, options(), [NEXT])

    assert snapshots(url) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 0, round(size * 1.15)))
    assert snapshot(url, options(), [NEXT]) is not None


def test_room_is_not_wanted_for_free_pages(url, monkeypatch):
    size = file_of(url).stat().st_size
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        connection.execute("CREATE TABLE bulk AS SELECT randomblob(4000000) AS text")
        connection.execute("DROP TABLE bulk")
    assert file_of(url).stat().st_size > 4_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 0, 2 * size))

    made = snapshot(url, options(), [NEXT])

    assert made is not None
    assert made.stat().st_size < 2 * size


def test_what_a_killed_run_has_left_is_removed_by_the_next(url):
    before = file_of(url).with_name(f"agentlogger.db.before-{NEXT}-at-{HEAD}-20261122T134501Z")
    left = [Path(f"{before}.unfinished{more}") for more in ("", "-journal")]
    for path in left:
        path.write_bytes(b"half")

    assert snapshots(url) == []
    made = snapshot(url, options(), [NEXT])

    assert not any(path.exists() for path in left)
    assert snapshots(url) == [made]


def test_a_copy_that_is_not_whole_is_no_snapshot(url, monkeypatch):
    monkeypatch.setattr(files, "damage", lambda _: "page 7 is never used")
    before = names(file_of(url).parent)

    with pytest.raises(Refused, match=r"page 7 is never used.*-x snapshots=0"):
        snapshot(url, options(), [NEXT])

    assert names(file_of(url).parent) == before


def test_damage_of_a_copy_is_seen(url, tmp_path):
    with closing(sqlite3.connect(file_of(url), isolation_level=None)) as connection:
        insert_users(connection, *(f"user {n}" for n in range(2000)))
    whole = snapshot(url, options(), [NEXT])
    assert whole is not None
    broken = tmp_path / "broken.db"
    content = bytearray(whole.read_bytes())
    half = len(content) // 2 // 4096 * 4096
    content[half : half + 4096] = bytes(4096)
    broken.write_bytes(content)

    assert files.damage(whole) == ""
    assert files.damage(broken) != ""
    broken.write_bytes(b"this is text" * 500)
    assert files.damage(broken) == "file is not a database"


@pytest.mark.parametrize(
    ("fault", "cause", "sentence"),
    [
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), Refused, "Permission denied"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), NoRoom, "No space left on device"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), NoRoom, "uota"),
    ],
)
def test_a_folder_that_cannot_be_written_is_a_sentence(url, monkeypatch, fault, cause, sentence):
    def refuse(_path: Path) -> None:
        raise fault

    monkeypatch.setattr(files, "create_empty", refuse)

    with pytest.raises(Refused, match=rf"{sentence}.*nothing was migrated.*snapshots=0") as refused:
        snapshot(url, options(), [NEXT])

    assert type(refused.value) is cause


def test_a_file_that_is_no_database_is_a_sentence(url):
    file_of(url).write_bytes(b"this is text" * 500)

    with pytest.raises(Refused, match=re.escape("(file is not a database)")):
        snapshot(url, options(), [NEXT])
