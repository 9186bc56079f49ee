"""Copies: how they are made, when not, and that none stays behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import NoCopy
from agentlogger.migrate.postgresql import clients
from agentlogger.migrate.sqlite import files
from tests.journeys.requirements import need
from tests.migrations.project import Project
from tests.migrations.rehearsal.stage import ADD_NOTE, DROP_NOTE, copies, only, rehearsed, state

POSTGRESQL = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def pending(project) -> Project:
    """A project with a revision to rehearse."""
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)
    return project


def client() -> clients.Client:
    """The newest pg_dump of this machine."""
    try:
        return clients.find(15, None)
    except NoCopy as missing:
        need("pg_dump", present=False, install="apt-get install postgresql-client")
        raise AssertionError from missing


@pytest.mark.promise
@POSTGRESQL
def test_a_database_that_nobody_uses_is_cloned(pending):
    found = rehearsed(pending)

    assert found["copy"]["how"] == "a clone of its files by the server"
    assert found["rows"] == 3


@POSTGRESQL
def test_a_database_in_use_is_read_by_pg_dump_and_stays_as_it_is(pending):
    with pending.engine.connect() as other:
        (version,) = other.execute(sa.text("SHOW server_version_num")).one()
        if int(version) // 10000 > client().major:
            pytest.skip("This machine's pg_dump is older than the server of the tests.")
        other.execute(sa.text("INSERT INTO parts VALUES (4, 'not committed', 4)"))
        found = rehearsed(pending)
        other.rollback()

    assert found["copy"]["how"].startswith("read by pg_dump")
    assert (found["rows"], only(found)["verdict"]) == (3, "reversible")
    assert copies(pending) == []
    assert pending.rows("SELECT count(*) FROM parts") == [3]


@pytest.mark.promise
@POSTGRESQL
def test_without_a_pg_dump_of_its_version_the_sentence_says_what_to_install(pending, monkeypatch):
    monkeypatch.setattr(clients, "_major", lambda _program: 9)
    with pending.engine.connect():
        outcome = pending.door("flask db", "rehearse")

    assert outcome.code == 38
    assert "apt-get install postgresql-client-" in outcome.err
    assert "Traceback" not in outcome.err
    assert copies(pending) == []


@pytest.mark.promise
@SQLITE
def test_a_file_in_use_is_copied_as_it_was_at_one_moment(pending):
    with closing(sqlite3.connect(str(pending.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO parts VALUES (4, 'not committed', 4)")
        found = rehearsed(pending)
        other.execute("ROLLBACK")

    assert (found["rows"], only(found)["verdict"]) == (3, "reversible")


@pytest.mark.promise
@SQLITE
def test_a_disk_without_room_is_told_before_anything_is_copied(pending, monkeypatch):
    monkeypatch.setattr(files, "missing_room", lambda _folder, _size: (1, 2))

    outcome = pending.door("flask db", "rehearse")

    assert outcome.code == 38
    assert "has 1 MiB free" in outcome.err
    assert copies(pending) == []


@pytest.mark.promise
def test_no_copy_stays_where_a_revision_fails(project):
    project.add("bbb222", "aaa111", 'op.drop_column("parts", "noted")', "pass")
    before = state(project)

    rehearsed(project, code=37)

    assert (state(project), copies(project)) == (before, [])


@pytest.mark.promise
def test_what_a_killed_rehearsal_leaves_is_dropped_by_the_next(pending):
    wait = 'import pathlib, time; pathlib.Path("begun").touch(); time.sleep(60)'
    path = pending.add("bbb222", "aaa111", wait, "pass")
    program = (
        "import sys; from pathlib import Path; import sqlalchemy;"
        "from flask import Flask; from flask_sqlalchemy import SQLAlchemy;"
        "from agentlogger.migrate import Migrations;"
        "from agentlogger.migrate.asking import asked;"
        "from agentlogger.migrate.rehearsal.rehearsing import Wish, rehearse;"
        "app = Flask('p'); app.config['SQLALCHEMY_DATABASE_URI'] = sys.argv[1];"
        "db = SQLAlchemy(); db.init_app(app); Migrations(Path('migrations').absolute(), '1')"
        ".init_app(app, db); app.app_context().push(); rehearse(asked('rehearse'), Wish())"
    )
    url = pending.url.render_as_string(hide_password=False)
    killed = subprocess.Popen(
        [sys.executable, "-c", program, url],
        cwd=pending.folder, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    try:
        for _ in range(300):
            if (pending.folder / "begun").exists() or killed.poll() is not None:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                killed.wait(0.1)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert (pending.folder / "begun").exists()
    assert len(copies(pending)) == 1
    path.unlink()
    pending.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)

    rehearsed(pending)

    assert copies(pending) == []


@pytest.mark.promise
def test_a_copy_that_is_kept_can_be_rehearsed_on(pending):
    kept = rehearsed(pending, "--keep")["copy"]["kept_as"]
    url = pending.url.set(database=kept).render_as_string(hide_password=False)
    try:
        assert copies(pending) == [kept.rpartition("/")[2]]

        found = rehearsed(pending, "--on", url)

        assert only(found)["verdict"] == "reversible"
        assert "as --on names it" in found["copy"]["how"]
        assert pending.heads() == "aaa111"
    finally:
        _drop(pending, kept)


def test_the_database_itself_is_no_copy(pending):
    before = state(pending)
    url = pending.url.render_as_string(hide_password=False)

    outcome = pending.door("flask db", "rehearse", "--on", url)

    assert outcome.code == 38
    assert "the database itself" in outcome.err
    assert state(pending) == before


@pytest.mark.promise
def test_a_database_that_somebody_uses_is_no_copy(pending):
    kept = rehearsed(pending, "--keep")["copy"]["kept_as"]
    url = pending.url.set(database=kept)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as other:
            if pending.url.get_backend_name() == "sqlite":
                other.execute(sa.text("PRAGMA journal_mode=WAL"))
            other.execute(sa.text("SELECT count(*) FROM parts")).all()
            outcome = pending.door(
                "flask db", "rehearse", "--on", url.render_as_string(hide_password=False)
            )
        assert outcome.code == 38
        assert "no copy to rehearse on" in outcome.err
    finally:
        _drop(pending, kept)


def test_a_database_of_the_other_kind_is_refused(pending):
    other = {"sqlite": "postgresql://127.0.0.1:1/x", "postgresql": "sqlite:////tmp/x.db"}

    outcome = pending.door("flask db", "rehearse", "--on", other[pending.url.get_backend_name()])

    assert outcome.code == 33
    assert "name a copy of that kind" in outcome.err


@pytest.mark.promise
def test_a_copy_that_is_not_there_is_told(pending):
    missing = pending.url.set(database="/nowhere/x.db")

    outcome = pending.door(
        "flask db", "rehearse", "--on", missing.render_as_string(hide_password=False)
    )

    assert outcome.code == 38
    assert "make the copy first" in outcome.err


def _drop(project: Project, kept: str) -> None:
    if project.url.get_backend_name() == "sqlite":
        for path in Path(kept).parent.glob(f"{Path(kept).name}*"):
            path.unlink()
    else:
        engine = sa.create_engine(
            project.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )  # fmt: skip
        with engine.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{kept}" WITH (FORCE)'))
