"""One command starts the server, and each mistake gets one sentence."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.newest_revision import HEAD
from tests.start.server import BIN, Started, free_port

SERVE = str(BIN / "agentlogger"), "serve"


@pytest.fixture
def start(tmp_path):
    """A function that starts a program; everything it started is ended with the test.

    The program is a fork of one that is loaded, which saves a second each time, except where the
    test is about how it starts by itself. gunicorn's own program is none: it looks where it is
    when it is loaded.
    """
    started: list[Started] = []

    def begin(*words: str, forked: bool = True, **settings: str) -> Started:
        forked = forked and words[0] != "gunicorn"
        one = Started(*words, folder=tmp_path, forked=forked, **settings)
        started.append(one)
        return one

    yield begin
    for one in started:
        one.stop()


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def test_the_first_start_makes_the_database_and_says_what_an_agent_needs(start, empty_database_url):
    server = start(*SERVE, forked=False, DATABASE_URL=text_of(empty_database_url))
    server.wait_until_up()

    said = server.said()

    address = f"http://127.0.0.1:{server.port}"
    assert f"page      {address}/\n" in said
    assert f"database  {empty_database_url.render_as_string()}\n" in said
    assert f"revision  {HEAD}" in said
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={address}\n" in said
    assert "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n" in said
    assert server.status("/") == 200


@pytest.mark.long_on("sqlite")
def test_a_second_start_keeps_the_data(start, empty_database_url):
    settings = {"DATABASE_URL": text_of(empty_database_url)}
    first = start(*SERVE, **settings)
    first.wait_until_up()
    request = urllib.request.Request(
        f"http://127.0.0.1:{first.port}/api/v1/logs",
        data=b'{"message": "kept"}',
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()  # noqa: S310
    first.stop()

    second = start(*SERVE, **settings)
    second.wait_until_up()

    with urllib.request.urlopen(f"http://127.0.0.1:{second.port}/api/v1/logs") as answer:
        assert [record["body"] for record in json.load(answer)["items"]] == ["kept"]


def ends_with(server: Started, sentence: str) -> None:
    """It ends with 1 and one sentence of ours, and without a traceback."""
    assert server.wait_until_ended() == 1, server.said()
    said = server.said()
    assert "Traceback" not in said
    (ours,) = [line for line in said.strip().splitlines() if "[INFO]" not in line]
    assert ours.startswith("Error: ")
    assert re.search(sentence, ours), said


def test_a_port_in_use_is_one_sentence(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        ends_with(start(*SERVE, AGENTLOGGER_PORT=port), f"port {port}: another program uses it")


def test_an_unwritable_folder_is_one_sentence(start, tmp_path):
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "folder")

    ends_with(start(*SERVE, AGENTLOGGER_INSTANCE=folder), "cannot be written")


def test_a_database_folder_that_is_not_there_is_one_sentence(start):
    url = "sqlite:////nowhere/at/all/logs.db"

    ends_with(start(*SERVE, DATABASE_URL=url), "/nowhere/at/all of the database cannot be written")


def test_a_file_that_is_no_database_is_one_sentence(start, tmp_path):
    (tmp_path / "text.db").write_text("this is a text, and long enough to be seen as none" * 99)

    ends_with(start(*SERVE, DATABASE_URL=f"sqlite:///{tmp_path}/text.db"), "not a database")


def test_an_unreachable_postgresql_is_one_sentence(start):
    url = f"postgresql://postgres:hush@127.0.0.1:{free_port()}/logs"
    server = start(*SERVE, DATABASE_URL=url)

    ends_with(server, "cannot be used")
    assert "hush" not in server.said()


def test_a_wrong_value_is_one_sentence(start):
    server = start(*SERVE, forked=False, AGENTLOGGER_THREADS="many")

    ends_with(server, "AGENTLOGGER_THREADS is 'many'")


def test_listening_beyond_this_machine_without_an_admin_is_refused(start, empty_database_url):
    settings = {"DATABASE_URL": text_of(empty_database_url), "AGENTLOGGER_HOST": "0.0.0.0"}

    ends_with(start(*SERVE, **settings), "flask users create --admin")


@pytest.mark.long_on("sqlite")
def test_with_an_admin_it_listens_everywhere_and_asks_for_keys(start, empty_database_url, tmp_path):
    settings = {"DATABASE_URL": text_of(empty_database_url)}
    start(*SERVE, **settings).wait_until_up()
    command = ["flask", "--app", "agentlogger.app", "users", "create", "--admin", "a@example.org"]
    made = Started(
        *command,
        folder=tmp_path,
        forked=True,
        AGENTLOGGER_PASSWORD="long enough to be one",
        **settings,
    )
    assert made.wait_until_ended() == 0, made.said()

    server = start(*SERVE, AGENTLOGGER_HOST="0.0.0.0", **settings)
    server.wait_until_up("/healthz")

    assert server.status("/api/v1/logs") == 401


@pytest.mark.parametrize("workers", ["1", "3"])
def test_plain_gunicorn_serves_with_any_number_of_workers(start, database_url, workers):
    port = str(free_port())
    server = start(
        "gunicorn", "wsgi:app", "-w", workers,
        DATABASE_URL=text_of(database_url), AGENTLOGGER_PORT=port,
    )  # fmt: skip
    server.wait_until_up()

    for number in range(6):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/logs",
            data=json.dumps({"message": str(number)}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()  # noqa: S310
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/logs") as answer:
        assert len(json.load(answer)["items"]) == 6


def test_plain_gunicorn_refuses_to_be_exposed_without_an_admin(start, database_url):
    server = start(
        "gunicorn", "wsgi:app", "-b", f"0.0.0.0:{free_port()}", DATABASE_URL=text_of(database_url)
    )

    ends_with(server, "flask users create --admin")


def test_plain_gunicorn_says_a_wrong_setting_in_one_sentence(start):
    ends_with(start("gunicorn", "wsgi:app", AGENTLOGGER_THREADS="many"), "AGENTLOGGER_THREADS")


def test_without_its_own_configuration_gunicorn_still_ends_instead_of_trying_for_ever(start):
    server = start(
        "gunicorn", "-c", "/dev/null", "wsgi:app", "-b", f"127.0.0.1:{free_port()}",
        AGENTLOGGER_THREADS="many",
    )  # fmt: skip

    assert server.wait_until_ended() != 0
    assert "AGENTLOGGER_THREADS is 'many'" in server.said()
    assert "Traceback" not in server.said()


def test_a_database_that_was_not_migrated_is_unready_and_says_why(start, empty_database_url):
    port = str(free_port())
    server = start(
        "gunicorn", "wsgi:app",
        DATABASE_URL=text_of(empty_database_url), AGENTLOGGER_PORT=port,
    )  # fmt: skip
    server.wait_until_up("/healthz")

    assert server.status("/readyz") == 503
    assert server.status("/api/v1/logs") == 503
    assert "flask db upgrade" in server.said()


def test_ctrl_c_reaches_the_workers_by_way_of_the_master_only(start):
    """A worker that hears it twice can deadlock in its thread pool, and the stop takes 30 s."""
    server = start(*SERVE, AGENTLOGGER_WORKERS="1")
    server.wait_until_up()
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    if not children.exists():
        pytest.skip("the system does not tell a process's children in /proc: nothing to install")
    (worker,) = children.read_text().split()

    os.kill(int(worker), signal.SIGINT)
    time.sleep(0.3)

    assert children.read_text().split() == [worker]
    assert server.status("/healthz") == 200


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_sqlite_file_is_synced_at_each_commit_and_can_shrink(start, empty_database_url):
    """On SQLite only: these are its own settings."""
    start(*SERVE, DATABASE_URL=text_of(empty_database_url)).wait_until_up()
    connection = sqlite3.connect(str(empty_database_url.database))

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()
