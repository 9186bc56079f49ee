"""The development database is there after one command, and still there after the next."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from tests.postgresql import development
from tests.postgresql.account import make_temporary_folder, unprivileged_account
from tests.postgresql.binaries import find_binaries
from tests.postgresql.server import running_server, start_server

pytestmark = pytest.mark.promise
"""Who writes a change needs it; `.ci/run` goes through these."""


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the addresses that are to be migrated, in place of migrating them."""
    addresses: list[str] = []
    monkeypatch.setattr(development, "migrate", addresses.append)
    return addresses


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a development folder of the test's own, with no server in it before or afterwards."""
    monkeypatch.delenv(development.SERVER_OF_OURS, raising=False)
    made = make_temporary_folder(unprivileged_account())
    monkeypatch.setattr(development, "development_folder", lambda: made / "postgresql")
    yield made / "postgresql"
    left = running_server(made / "postgresql", find_binaries())
    if left:
        left.stop()
    shutil.rmtree(made)


def paste(exports: str, command: str) -> str:
    """Do what a person does: paste the printed lines into a shell, then use it."""
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{exports}\n{command}"], capture_output=True, text=True, check=True
    )
    return shell.stdout.strip()


@pytest.mark.usefixtures("folder")
def test_the_printed_lines_lead_psql_to_the_database(
    migrated: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert development.main([]) == 0
    printed = capfd.readouterr()
    assert all(line.startswith("export ") for line in printed.out.splitlines())
    assert "paste these" in printed.err
    database = paste(printed.out, 'psql -U postgres -d agentlogger_dev -Atc "SELECT 6 * 7"')
    assert database == "42"
    (address,) = migrated
    assert paste(printed.out, 'printf %s "$DATABASE_URL"') == address
    assert make_url(address).database == "agentlogger_dev"
    assert make_url(address).drivername == "postgresql"


@pytest.mark.usefixtures("folder")
def test_a_second_run_reuses_the_server_and_keeps_the_data(
    migrated: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert development.main([]) == 0
    first = capfd.readouterr().out
    with psycopg2.connect(migrated[0]) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 7")
    connection.close()
    began = 'psql -U postgres -d agentlogger_dev -Atc "SELECT pg_postmaster_start_time() FROM kept"'
    started = paste(first, began)
    assert development.main([]) == 0
    second = capfd.readouterr().out
    assert second == first
    assert paste(second, began) == started


@pytest.mark.usefixtures("migrated")
def test_stopping_keeps_the_data_and_the_address(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert development.main([]) == 0
    first = capfd.readouterr().out
    assert development.main(["--stop"]) == 0
    assert "stays in" in capfd.readouterr().err
    assert running_server(folder, find_binaries()) is None
    assert development.main(["--stop"]) == 0
    assert "not running" in capfd.readouterr().err
    assert development.main([]) == 0
    assert capfd.readouterr().out == first


def test_the_development_server_writes_durably(folder: Path) -> None:
    server = development.development_server(folder)
    durable = [server.ask(f"SHOW {name}") for name in ("fsync", "synchronous_commit")]
    assert durable == ["on", "on"]


def test_a_server_that_the_environment_names_is_used_instead(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    migrated: list[str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    server = start_server()
    try:
        monkeypatch.setenv(development.SERVER_OF_OURS, server.url())
        assert development.main([]) == 0
        assert development.main([]) == 0
        assert f"export PGPORT={server.port}\n" in capfd.readouterr().out
        found = server.ask("SELECT datname FROM pg_database WHERE datname = 'agentlogger_dev'")
        assert found == "agentlogger_dev"
        assert make_url(migrated[0]).port == server.port
        assert not folder.exists()
    finally:
        server.stop()


def test_a_password_with_signs_in_it_survives_the_shell() -> None:
    address = make_url("postgresql://postgres:it's%20%24HOME@db.example:6543/agentlogger_dev")
    lines = "\n".join(development.exports(address, None))
    assert paste(lines, 'printf %s "$PGPASSWORD"') == "it's $HOME"
    assert paste(lines, 'printf %s "$PGHOST:$PGPORT"') == "db.example:6543"
    assert make_url(paste(lines, 'printf %s "$DATABASE_URL"')) == address


def test_migrating_runs_flask_db_upgrade_on_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flask.py").write_text(
        "import os, sys; print(' '.join(sys.argv[1:]), os.environ['DATABASE_URL'])"
    )
    monkeypatch.setattr(development, "CHECKOUT", tmp_path)
    development.migrate("postgresql://postgres@127.0.0.1/agentlogger_dev")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.strip() == (
        "--app wsgi db upgrade postgresql://postgres@127.0.0.1/agentlogger_dev"
    )


@pytest.mark.usefixtures("folder")
def test_a_failed_migration_is_told_and_prints_nothing_to_paste(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_address: str) -> None:
        raise subprocess.CalledProcessError(1, "flask")

    monkeypatch.setattr(development, "migrate", fail)
    assert development.main([]) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "migrating it failed" in printed.err
