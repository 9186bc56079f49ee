"""A PostgreSQL server that hangs holds no request: clients are told to come again, then served."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from agentlogger.app import create_app
from agentlogger.models.database import db
from agentlogger.store import appending
from agentlogger.store.postgresql import backend as postgresql
from agentlogger.store.postgresql import watchdog
from tests.conftest import migrate, settings_for
from tests.postgresql.cluster import read_postmaster
from tests.postgresql.server import Server, start_server

SDK_SECONDS = 10
"""After so long an OTLP client has given up."""

ANSWER_SECONDS = 60
"""What is waited for an answer here: a machine that stalls makes no test red."""


LONGEST_SECONDS = watchdog.PATIENCE_SECONDS + watchdog.KNOCK_SECONDS + watchdog.LOOK_EVERY_SECONDS
"""What the real thing takes; read before a test has changed any of it."""


@pytest.fixture(autouse=True)
def little_patience(monkeypatch) -> None:
    """Waits as in the real thing, and shorter: that one must be over before a client gives up."""
    assert LONGEST_SECONDS < SDK_SECONDS / 2
    monkeypatch.setattr(watchdog, "PATIENCE_SECONDS", 0.4)
    monkeypatch.setattr(watchdog, "KNOCK_SECONDS", 1.0)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = start_server()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def app(server, tmp_path_factory) -> Iterator[Flask]:
    url = make_url(server.url())
    migrate(url)
    app = create_app(settings_for(url, tmp_path_factory.mktemp("hanging")))
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """The server with all of its processes, as on a machine that is paused."""
    postmaster = read_postmaster(server.folder / "data")
    assert postmaster is not None
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(postmaster.pid)], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    processes = [postmaster.pid, *map(int, told.stdout.split())]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def test_a_server_that_hangs_holds_nobody_and_is_used_again_once_it_answers(
    server, app, monkeypatch
):
    def send(message: str):
        return app.test_client().post("/api/v1/logs", json={"id": message, "message": message})

    assert send("before").status_code == 200
    insert = postgresql.insert
    with ThreadPoolExecutor() as clients:
        for place in ("before a transaction", "within one"):
            # Any of them may lead the group, so each has something of its own to store.
            names = (place, f"follower {place}", f"another {place}")
            with ExitStack() as hanging, monkeypatch.context() as patch:

                def hang(*arguments, hanging=hanging, **named):
                    hanging.enter_context(stopped(server))
                    return insert(*arguments, **named)

                if place == "within one":
                    patch.setattr(postgresql, "insert", hang)
                else:
                    hanging.enter_context(stopped(server))
                group = [clients.submit(send, name) for name in names]
                for waiter in group:
                    answer = waiter.result(timeout=ANSWER_SECONDS)
                    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), place
                meanwhile = clients.submit(send, "meanwhile").result(timeout=ANSWER_SECONDS)
                assert "does not answer" in meanwhile.get_json()["detail"]
            for name in names:
                while (status := send(name).status_code) != 200:
                    assert status == 503
                    time.sleep(0.1)

    stored = [item["body"] for item in app.test_client().get("/api/v1/logs").get_json()["items"]]
    assert sorted(stored) == [
        "another before a transaction", "another within one", "before", "before a transaction",
        "follower before a transaction", "follower within one", "within one",
    ]  # fmt: skip


def test_a_statement_that_is_merely_slow_is_let_be(app, monkeypatch):
    append = appending._append
    slept = []

    def slowly(requests, **how):
        with app.app_context(), db.engine.connect() as connection:
            slept.append(connection.exec_driver_sql("SELECT pg_sleep(1)").scalar())
        return append(requests, **how)

    monkeypatch.setattr(appending, "_append", slowly)

    assert app.test_client().post("/api/v1/logs", json={"m": "slow"}).status_code == 200
    assert slept == [""]


def test_a_connection_that_the_server_ended_costs_no_request(server, app):
    client = app.test_client()
    assert client.post("/api/v1/logs", json={"m": "before"}).status_code == 200
    # Waited for: on a busy machine a process may live on for long that has been told to end.
    server.ask(
        "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity"
        " WHERE application_name = 'agentlogger'"
    )

    assert client.post("/api/v1/logs", json={"m": "after"}).status_code == 200


def test_a_thread_that_has_nothing_to_watch_ends_and_the_next_connection_has_another(monkeypatch):
    monkeypatch.setattr(watchdog, "REST_SECONDS", 0.0)
    monkeypatch.setattr(watchdog, "LOOK_EVERY_SECONDS", 0.001)
    dog = watchdog.Watchdog(create_engine("sqlite://"))
    with socket.socket() as connection:
        for _ in range(2):
            dog._begin(connection)
            thread = dog._thread
            assert thread.is_alive()

            dog._end(connection)

            thread.join(60)
            assert not thread.is_alive()
