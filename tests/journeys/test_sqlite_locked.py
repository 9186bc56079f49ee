"""While another program writes to the SQLite file, clients are told to come again; then served."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journeys.coming_again import MOST_SECONDS, require_come_again, timed_post
from tests.journeys.exports import EXPORTS, SUCCESS
from tests.journeys.serving import Server, serving
from tests.journeys.talking import PROTOBUF, get, post, stored_records

READERS = 8
"""More at once than the server has connections open by then."""
WRITERS = 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "agentlogger.db"


@pytest.fixture
def server(file: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(f"sqlite:///{file}", tmp_path / "instance") as started:
        yield started


@pytest.fixture
def other(file: Path, server: Server) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the file, which the server has made by now."""
    del server
    connection = sqlite3.connect(file, isolation_level=None)
    yield connection
    connection.close()


def test_while_the_file_is_locked_clients_are_told_to_come_again_and_then_served(server, other):
    exports = {media_type: make([media_type]) for media_type, make in EXPORTS.items()}
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(len(exports)) as clients:
        answers = list(clients.map(lambda export: timed_post(server, *export), exports.items()))
    for media_type, (answer, seconds) in zip(exports, answers, strict=True):
        require_come_again(answer, media_type)
        assert seconds < MOST_SECONDS
    assert get(server, "/healthz").status == 200

    other.execute("ROLLBACK")
    assert stored_records(server) == []
    for media_type, body in exports.items():
        answer = post(server, "/v1/logs", body, media_type)
        assert (answer.status, answer.body) == (200, SUCCESS[media_type])
    assert sorted(record["body"] for record in stored_records(server)) == sorted(exports)


def test_while_the_file_is_locked_readers_are_served(server, other):
    assert post(server, "/v1/logs", EXPORTS[PROTOBUF](["before"]), PROTOBUF).status == 200
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(READERS) as readers:
        paths = ["/api/v1/logs", "/readyz"] * READERS
        statuses = list(readers.map(lambda path: get(server, path).status, paths))
    assert statuses == [200] * len(paths)


@pytest.mark.promise
def test_while_the_file_is_locked_nobody_waits_for_the_waiting_of_others(server, other):
    exports = [EXPORTS[PROTOBUF]([f"client {number}"]) for number in range(WRITERS)]

    def sent(body: bytes) -> int:
        return post(server, "/v1/logs", body, PROTOBUF, seconds=MOST_SECONDS).status

    with ThreadPoolExecutor(WRITERS) as clients:
        # Now each of them has found a connection to the database that is open already.
        assert set(clients.map(sent, exports * WRITERS)) == {200}
        other.execute("BEGIN IMMEDIATE")
        assert list(clients.map(sent, exports)) == [503] * WRITERS
