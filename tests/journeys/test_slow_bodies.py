"""A client that sends its body slowly, or stops in the middle, is answered and holds nothing."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import ExitStack, closing, suppress

import pytest

from tests.journeys.exports import EXPORTS
from tests.journeys.serving import HOST, Server, serving
from tests.journeys.talking import JSON, TIMEOUT_SECONDS, post, stored_records

THREADS = 2
"""Requests at work at once, so that as many slow ones hold every place."""
HIDDEN = b"POST /api/v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"
"""What would be a request, if it did not stand in a body."""


@pytest.fixture
def impatient(database_address, tmp_path):
    """A server that waits for no body longer than a second."""
    settings = {
        "AGENTLOGGER_BODY_SECONDS": "1",
        "AGENTLOGGER_THREADS": str(THREADS),
        "AGENTLOGGER_WORKERS": "1",
    }
    with serving(database_address, tmp_path / "instance", settings=settings) as started:
        yield started


class SlowClient:
    """A connection on which a body was begun."""

    def __init__(self, server: Server, framing: str, begun: bytes) -> None:
        self.socket = socket.create_connection((HOST, server.port), TIMEOUT_SECONDS)
        head = f"POST /api/v1/logs HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {JSON}\r\n{framing}"
        self.socket.sendall(head.encode() + b"\r\n\r\n" + begun)

    def close(self) -> None:
        self.socket.close()

    def answer(self) -> http.client.HTTPResponse:
        """The answer, as soon as it comes."""
        response = http.client.HTTPResponse(self.socket, method="POST")
        response.begin()
        return response

    def trickle(self, enough: threading.Event) -> None:
        """Send a byte every now and then, until it is enough or the server has closed."""
        try:
            while not enough.wait(0.05):
                self.socket.sendall(b" ")
        except OSError:
            return


def require_given_up(client: SlowClient) -> None:
    """Check that the answer says why, and that the connection ends behind it."""
    response = client.answer()
    problem = json.loads(response.read())
    assert (response.status, problem["code"]) == (408, "body.slow")
    assert "nothing of it was stored" in problem["detail"]
    with suppress(ConnectionError):  # It is reset where the client has sent something more.
        client.socket.sendall(HIDDEN)
        assert client.socket.recv(1) == b""


def test_clients_that_stop_or_trickle_are_answered_and_leave_their_places(impatient):
    enough = threading.Event()
    with ExitStack() as open_clients:
        stopped, chunked, trickling = [
            open_clients.enter_context(closing(SlowClient(impatient, framing, begun)))
            for framing, begun in (
                (f"Content-Length: {10 * 1024 * 1024}", b'[{"message": "'),
                ("Transfer-Encoding: chunked", b"ffff\r\n["),
                ("Content-Length: 100000", b"["),
            )
        ]
        thread = threading.Thread(target=trickling.trickle, args=(enough,))
        thread.start()
        open_clients.callback(thread.join)
        open_clients.callback(enough.set)
        for client in (stopped, chunked, trickling):
            require_given_up(client)

        # More than the places there are, while the three connections are still open.
        media_type, export = next(iter(EXPORTS.items()))
        uids = [f"record {number}" for number in range(THREADS + 1)]
        for uid in uids:
            assert post(impatient, "/v1/logs", export([uid]), media_type).status == 200

    assert {record["body"] for record in stored_records(impatient)} == set(uids)
