"""Before an answer leaves, the disk has confirmed a sync that began after its request had come.

A kill cannot see a sync that is missing, since the kernel still has the pages: strace does.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.exports import EXPORTS, SUCCESS
from tests.journeys.serving import HOST, serving
from tests.journeys.talking import PROTOBUF
from tests.promises.ingesting.broken import breaking
from tests.promises.ingesting.crashing import children, own_postgresql
from tests.promises.ingesting.tracing import Trace, read_trace, require_strace, traced

CLIENTS = 8
REQUESTS = 10
"""Of each client."""


@pytest.fixture
def postgresql() -> Iterator:
    require_strace()
    with own_postgresql() as server:
        yield server


@pytest.fixture
def trace_of(tmp_path, sqlite_databases):
    """What strace tells of a server that eight clients send to, at once and without pause."""
    require_strace()

    def trace(postgresql=None, **settings: str) -> Trace:
        url = postgresql.url if postgresql else str(sqlite_databases.empty())
        with serving(url, tmp_path / "instance", settings=settings) as server:
            beside = postgresql.processes() if postgresql else []
            with (
                traced([*children(server.pid), *beside], tmp_path / "calls"),
                ThreadPoolExecutor(CLIENTS) as clients,
            ):
                list(clients.map(send, [server.port] * CLIENTS, range(CLIENTS)))
        return read_trace(tmp_path / "calls")

    return trace


def send(port: int, client: int) -> None:
    """Send requests on one connection, each of which must be a full success."""
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    for number in range(REQUESTS):
        body = EXPORTS[PROTOBUF]([f"{client}-{number}"])
        connection.request("POST", "/v1/logs", body, {"Content-Type": PROTOBUF})
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, SUCCESS[PROTOBUF])
    connection.close()


def require_synced(trace: Trace) -> None:
    assert len(trace.answers) == CLIENTS * REQUESTS
    assert trace.unsynced() == []


@pytest.mark.promise
def test_on_sqlite_no_answer_leaves_before_its_sync(trace_of):
    require_synced(trace_of())


@pytest.mark.promise
def test_on_postgresql_no_answer_leaves_before_its_sync(trace_of, postgresql):
    require_synced(trace_of(postgresql))


@pytest.mark.promise
@pytest.mark.parametrize("promise", ["synchronous_off", "answer_before_commit"])
def test_on_sqlite_an_answer_that_does_not_wait_for_the_disk_is_found_out(trace_of, promise):
    trace = trace_of(**breaking(promise))

    assert len(trace.answers) == CLIENTS * REQUESTS
    assert trace.unsynced()


@pytest.mark.promise
@pytest.mark.parametrize(
    "broken",
    [breaking("answer_before_commit"), {"PGOPTIONS": "-c synchronous_commit=off"}],
    ids=["answer_before_commit", "synchronous_commit=off"],
)
def test_on_postgresql_an_answer_that_does_not_wait_for_the_disk_is_found_out(
    trace_of, postgresql, broken
):
    trace = trace_of(postgresql, **broken)

    assert len(trace.answers) == CLIENTS * REQUESTS
    assert trace.unsynced()
