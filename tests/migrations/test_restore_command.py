"""`flask db restore-snapshot`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import URL

from agentlogger.app import create_app
from agentlogger.migrate.causes import Refused, ServerAlive
from agentlogger.migrate.commands import db as group
from agentlogger.migrate.commands import restore as command
from agentlogger.migrate.options import Options
from agentlogger.migrate.sqlite.answers import snapshot, snapshots
from agentlogger.models.database import db
from tests.conftest import settings_for
from tests.migrations.sqlite_file import add_users, alone, another_process, file_of, users
from tests.newest_revision import HEAD

on_sqlite_only = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def url(database_url, tmp_path) -> URL:
    """A migrated database with one user, alone in its folder."""
    return alone(database_url, tmp_path / "data")


@pytest.fixture
def app(url, tmp_path):
    app = create_app(settings_for(url, tmp_path / "instance"))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def made(url) -> Path:
    """A snapshot with ada; bea came later."""
    made = snapshot(url, Options([], {}), ["next"])
    assert made is not None
    add_users(url, "bea")
    return made


def restore_snapshot(app: Flask, *words: str, answer: str | None = None) -> Result:
    return app.test_cli_runner().invoke(group, ["restore-snapshot", *words], input=answer)


@pytest.fixture
def somebody(monkeypatch) -> None:
    """Somebody who can be asked."""
    monkeypatch.setattr(command, "_somebody_is_there", lambda: True)


@on_sqlite_only
def test_without_a_name_it_lists_the_snapshots_and_the_command_for_the_newest(app, url, made):
    """On SQLite only: PostgreSQL has none."""
    newest = snapshot(url, Options([], {}), ["next"])
    assert newest is not None

    shown = restore_snapshot(app)

    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == f"Snapshots of {file_of(url)}, newest first:"
    assert lines[1].startswith(f"  {newest.name}  0.")
    assert f" MiB  at revision {HEAD}  " in lines[1]
    assert lines[1].endswith(" s ago")
    assert lines[2].startswith(f"  {made.name}  ")
    assert lines[3] == f"Put the newest back: flask db restore-snapshot {newest.name}"
    assert users(file_of(url)) == ["ada", "bea"]


@on_sqlite_only
def test_the_list_is_json_for_programs(app, made):
    """On SQLite only: PostgreSQL has none."""
    (one,) = json.loads(restore_snapshot(app, "--json").stdout)

    assert one["name"] == made.name
    assert one["path"] == str(made)
    assert one["kind"] == "snapshot"
    assert one["bytes"] == made.stat().st_size
    assert one["revision"] == HEAD
    assert one["made"].endswith("Z")


@on_sqlite_only
def test_without_snapshots_it_says_when_there_will_be_one(app):
    """On SQLite only: PostgreSQL never has one."""
    shown = restore_snapshot(app)

    assert shown.exit_code == 0
    assert "has no snapshot: `flask db upgrade` makes one" in shown.stdout
    assert json.loads(restore_snapshot(app, "--json").stdout) == []


@on_sqlite_only
@pytest.mark.usefixtures("somebody")
def test_it_tells_what_would_be_lost_and_asks(app, url, made):
    """On SQLite only: PostgreSQL has none."""
    asked = restore_snapshot(app, made.name, answer="n\n")

    assert asked.exit_code == 1
    assert f"is at revision {HEAD}." in asked.stdout
    assert (
        "users: 1 record is newer and will be only in the kept file, beside the database.\n"
        "What was changed or deleted since then will be as it was.\n"
        "Restore it? [y/N]: n\n"
    ) in asked.stdout
    assert users(file_of(url)) == ["ada", "bea"]

    done = restore_snapshot(app, made.name, answer="y\n")

    assert done.exit_code == 0
    assert f"is now at revision {HEAD}, from {made.name}.\n" in done.stdout
    assert users(file_of(url)) == ["ada"]


@on_sqlite_only
def test_where_nobody_can_be_asked_it_wants_yes(app, url, made):
    """On SQLite only: PostgreSQL has none."""
    unasked = restore_snapshot(app, made.name)

    assert unasked.exit_code == 2
    assert "users: 1 record is newer" in unasked.stdout
    assert f"`flask db restore-snapshot {made.name} --yes`" in unasked.stderr
    assert users(file_of(url)) == ["ada", "bea"]


@on_sqlite_only
def test_it_restores_the_latest_keeps_what_was_there_and_goes_back_to_it(app, url, made):
    """On SQLite only: PostgreSQL has none."""
    done = restore_snapshot(app, "--latest", "--yes")

    assert done.exit_code == 0, done.output
    assert users(file_of(url)) == ["ada"]
    assert "users: 1 record is newer, now only in the kept file.\n" in done.stdout
    assert "A server may be started: " in done.stdout
    (back,) = [line for line in done.stdout.splitlines() if line.startswith("Back to it: ")]
    kept = back.rpartition(" ")[2]
    assert snapshots(url) == [made]
    assert f"  {kept}  " in restore_snapshot(app).stdout

    assert restore_snapshot(app, kept, "--yes").exit_code == 0
    assert users(file_of(url)) == ["ada", "bea"]


@on_sqlite_only
def test_the_commands_own_connections_are_no_server(app, url, made):
    """On SQLite only: PostgreSQL has none."""
    with app.app_context(), db.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM users"))

    assert restore_snapshot(app, str(made), "--yes").exit_code == 0
    assert users(file_of(url)) == ["ada"]


@on_sqlite_only
def test_a_refusal_is_one_sentence_and_its_exit_code(app, url, made):
    """On SQLite only: PostgreSQL has none."""
    with another_process(file_of(url), "PRAGMA journal_mode=WAL"):
        refused = restore_snapshot(app, made.name)
    unknown = restore_snapshot(app, "nosuch", "--yes")

    assert refused.exit_code == ServerAlive.exit_code
    assert refused.stderr.startswith("Error: Another process has ")
    assert unknown.exit_code == Refused.exit_code
    assert "has no snapshot 'nosuch', so nothing was restored" in unknown.stderr
    assert restore_snapshot(app, made.name, "--latest").exit_code == 2


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("words", [[], ["--json"], ["--latest", "--yes"], ["name"]])
def test_a_server_databases_backups_are_its_operators(database_url, tmp_path, words):
    """On PostgreSQL only: SQLite has snapshots."""
    app = create_app(settings_for(database_url, tmp_path))
    refused = restore_snapshot(app, *words)
    with app.app_context():
        db.engine.dispose()

    assert refused.exit_code == Refused.exit_code
    assert "whose backups are its operator's" in refused.stderr
    assert refused.stdout == ""
