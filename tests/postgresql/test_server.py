"""A server starts wherever tests run, and nothing of it is left, however the run ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.postgresql import starting
from tests.postgresql.account import make_temporary_folder, unprivileged_account
from tests.postgresql.binaries import Binaries, find_binaries
from tests.postgresql.cluster import ServerFailed
from tests.postgresql.server import Server, start_server

pytestmark = pytest.mark.promise
"""Every other test sees the server that they all share; `.ci/run` goes through these."""

CHECKOUT = Path(__file__).resolve().parents[2]

A_RUN = """
import json, os, subprocess, time
from tests.postgresql.server import start_server
server = start_server()
started = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL).pid
forked = os.fork()
if not forked:
    os.close(1)
    time.sleep(60)
    os._exit(0)
folders = [str(server.folder), str(server.socket_folder)]
print(json.dumps([server.port, folders, [started, forked]]), flush=True)
time.sleep(60)
"""


def answers(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(5)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def until_gone(port: int, folders: list[Path], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while answers(port) or any(folder.exists() for folder in folders):
        assert time.monotonic() < deadline, f"port {port} or {folders} are still there"
        time.sleep(0.05)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that the server's account can enter, which pytest's own are not for root."""
    made = make_temporary_folder(unprivileged_account())
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = start_server()
    yield started
    started.stop()


def test_a_server_answers_a_query_at_the_address_it_gives(server: Server) -> None:
    engine = create_engine(server.url())
    with engine.connect() as connection:
        row = connection.execute(text("SELECT current_user, version()")).one()
    engine.dispose()
    assert row[0] == "postgres"
    assert row[1].startswith(f"PostgreSQL {server.version} ")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "on"),
        ("max_connections", "200"),
        ("listen_addresses", "127.0.0.1"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
    ],
)
def test_a_servers_settings_are_made_for_tests(server: Server, setting: str, value: str) -> None:
    if setting == "lc_collate":  # A setting of each database since PostgreSQL 16.
        assert server.ask("SELECT datcollate FROM pg_database LIMIT 1") == value
    else:
        assert server.ask(f"SHOW {setting}") == value


def test_given_settings_go_over_ours() -> None:
    server = start_server(settings={"max_connections": "17", "log_line_prefix": r"it's\t%m "})
    try:
        assert server.ask("SHOW max_connections") == "17"
        assert server.ask("SHOW log_line_prefix") == r"it's\t%m "
    finally:
        server.stop()


def test_the_sockets_path_is_short_even_where_temporary_paths_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    server = start_server()
    server.stop()
    assert len(os.fsencode(server.socket_folder / f".s.PGSQL.{server.port}")) < 103


def test_the_wheels_binaries_run_when_the_system_has_none() -> None:
    server = start_server(binaries=find_binaries("wheel"))
    try:
        assert server.ask("SELECT version()").startswith("PostgreSQL 18")
    finally:
        server.stop()


def closed_binaries(folder: Path) -> Binaries:
    """Those of the wheel, by way of a folder that only its owner may enter."""
    wheel = find_binaries("wheel").folder
    folder.chmod(0o700)
    (folder / "packages").symlink_to(wheel.parents[2])
    return Binaries(folder / "packages" / wheel.relative_to(wheel.parents[2]), "wheel")


def test_binaries_in_a_folder_closed_to_others_run_all_the_same(tmp_path: Path) -> None:
    closed = closed_binaries(tmp_path)
    server = start_server(binaries=closed)
    try:
        assert server.ask("SELECT 1") == "1"
        assert (server.binaries == closed) == (unprivileged_account() is None)
    finally:
        server.stop()
    assert not server.folder.exists()


def test_data_lies_within_the_folder_that_is_named_and_no_program_does(
    folder: Path, tmp_path: Path
) -> None:
    server = start_server(binaries=closed_binaries(tmp_path), within=folder)
    try:
        (made,) = folder.iterdir()
        assert Path(server.ask("SHOW data_directory")) == made / "data"
        assert not server.binaries.folder.is_relative_to(folder)
    finally:
        server.stop()
    assert not list(folder.iterdir())
    assert not server.socket_folder.exists()


def test_stop_leaves_nothing_and_may_be_called_twice() -> None:
    server = start_server()
    assert answers(server.port)
    assert server.folder.exists()
    server.stop()
    assert not answers(server.port)
    assert not server.folder.exists()
    assert not server.socket_folder.exists()
    server.stop()


def test_a_given_folder_stays_with_its_data(folder: Path) -> None:
    server = start_server(folder=folder)
    engine = create_engine(server.url())
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT 7 AS number"))
    engine.dispose()
    server.stop()
    again = start_server(folder=folder)
    try:
        assert again.ask("SELECT number FROM kept") == "7"
    finally:
        again.stop()


def test_data_of_another_version_is_refused_with_the_way_out(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "PG_VERSION").write_text("13\n")
    with pytest.raises(ServerFailed, match="install 13, or remove"):
        start_server(folder=folder)


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(ServerFailed, match="shared_buffers"):
        start_server(settings={"shared_buffers": "none at all"})
    assert not list(folder.iterdir())


def test_a_port_that_somebody_takes_in_between_is_given_up_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = somebody.getsockname()[1]
        found = starting._still_free
        offers = iter([taken])
        monkeypatch.setattr(starting, "_still_free", lambda port: next(offers, None) or found(port))
        server = start_server()
        server.stop()
    assert server.port != taken


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["the process", "its whole group"])
def test_the_server_is_gone_after_the_process_that_started_it_was_killed(
    kill: Callable[[int, int], None],
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", A_RUN],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert run.stdout
    port, folders, bystanders = json.loads(run.stdout.readline())
    paths = [Path(folder) for folder in folders]
    try:
        assert answers(port)
        assert all(path.exists() for path in paths)
        kill(run.pid, signal.SIGKILL)
        until_gone(port, paths)
        if kill is os.kill:
            # Its children live on, and did not keep the server alive.
            for bystander in bystanders:
                os.kill(bystander, 0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        run.stdout.close()


def test_the_server_is_gone_when_the_run_ends_without_stopping_it(tmp_path: Path) -> None:
    script = (
        "from tests.postgresql.server import start_server as s; x = s(); print(x.port, x.folder)"
    )
    # Into a file: a pipe would be read until the watchdog, which inherits it, has ended as well.
    with (tmp_path / "said").open("w") as said:
        run = subprocess.run(
            [sys.executable, "-c", script],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            check=True,
        )
    port, folder = run.stdout.split()
    assert not answers(int(port))
    assert not Path(folder).exists()
    assert (tmp_path / "said").read_text() == ""
