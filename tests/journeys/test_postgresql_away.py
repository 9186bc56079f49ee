"""While PostgreSQL is away, clients are told to come again; then they are served."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from tests.journeys.coming_again import MOST_SECONDS, require_come_again, timed_post
from tests.journeys.exports import EXPORTS, SUCCESS
from tests.journeys.serving import Server, serving
from tests.journeys.talking import PROTOBUF, get, post, stored_records
from tests.postgresql.account import make_temporary_folder, unprivileged_account
from tests.postgresql.server import start_server

RECOVERY_SECONDS = 60
CLIENTS = 8


class PostgreSQL:
    """A database server of the tests' own, switched off and on again at one address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = start_server(folder=folder)
        self._runs = True
        self.url = self._server.url().replace("+psycopg2", "")

    def switch_off(self) -> None:
        if self._runs:
            self._server.stop()
        self._runs = False

    def switch_on(self) -> None:
        if not self._runs:
            self._server = start_server(folder=self._folder)
        self._runs = True
        assert self._server.url().replace("+psycopg2", "") == self.url


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[PostgreSQL]:
    folder = make_temporary_folder(unprivileged_account())
    database = PostgreSQL(folder)
    yield database
    database.switch_off()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(own_postgresql: PostgreSQL, tmp_path_factory) -> Iterator[Server]:
    with serving(own_postgresql.url, tmp_path_factory.mktemp("away")) as started:
        yield started


@pytest.fixture
def postgresql(own_postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """The database, switched on again for the next test, however this one ends."""
    yield own_postgresql
    own_postgresql.switch_on()


def test_while_postgresql_is_stopped_clients_are_told_to_come_again_and_then_served(
    server, postgresql
):
    before, during = (
        {media_type: make([f"{when} {media_type}"]) for media_type, make in EXPORTS.items()}
        for when in ("before", "during")
    )
    for media_type, body in before.items():
        assert post(server, "/v1/logs", body, media_type).status == 200

    postgresql.switch_off()
    for media_type, body in during.items():
        answer, seconds = timed_post(server, media_type, body)
        require_come_again(answer, media_type)
        assert seconds < MOST_SECONDS
    assert get(server, "/readyz").status == 503
    assert get(server, "/healthz").status == 200
    assert get(server, "/api/v1/logs").status == 503

    postgresql.switch_on()
    until_ready(server)
    for media_type, body in during.items():
        answer = post(server, "/v1/logs", body, media_type)
        assert (answer.status, answer.body) == (200, SUCCESS[media_type])
    stored = Counter(record["body"] for record in stored_records(server))
    for media_type in EXPORTS:
        assert [stored[f"{when} {media_type}"] for when in ("before", "during")] == [1, 1]


def test_a_restart_of_postgresql_that_nobody_saw_costs_no_request(server, postgresql):
    uids = [f"around a restart {number}" for number in range(2 * CLIENTS)]
    exports = [EXPORTS[PROTOBUF]([uid]) for uid in uids]

    def status(body: bytes) -> int:
        return post(server, "/v1/logs", body, PROTOBUF).status

    with ThreadPoolExecutor(CLIENTS) as clients:
        assert set(clients.map(status, exports[:CLIENTS])) == {200}
        postgresql.switch_off()
        postgresql.switch_on()
        assert set(clients.map(status, exports[CLIENTS:])) == {200}
    assert set(uids) <= {record["body"] for record in stored_records(server)}


def until_ready(server: Server) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while get(server, "/readyz").status != 200:
        assert time.monotonic() < deadline, server.end_of_log()
        time.sleep(0.05)


def test_an_sdk_that_sends_while_postgresql_is_away_delivers_when_it_is_back(server, postgresql):
    provider = LoggerProvider(shutdown_on_exit=False)
    exporter = OTLPLogExporter(endpoint=f"{server.address}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    postgresql.switch_off()
    provider.get_logger("journey").emit(body="said while it was away")
    delivering = threading.Thread(target=provider.shutdown)
    delivering.start()
    time.sleep(0.5)  # Long enough for a first try, which is refused.
    postgresql.switch_on()
    delivering.join()

    assert "said while it was away" in [record["body"] for record in stored_records(server)]


def test_while_its_table_is_locked_clients_are_told_to_come_again(server, postgresql):
    export = EXPORTS[PROTOBUF](["while locked"])
    connection = psycopg2.connect(postgresql.url)
    try:
        connection.cursor().execute("LOCK TABLE log_records IN ACCESS EXCLUSIVE MODE")
        answer = post(server, "/v1/logs", export, PROTOBUF, seconds=MOST_SECONDS)
        require_come_again(answer, PROTOBUF)
    finally:
        connection.close()
    assert post(server, "/v1/logs", export, PROTOBUF).status == 200
    assert "while locked" in [record["body"] for record in stored_records(server)]
