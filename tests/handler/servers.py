"""Servers that a handler may meet: one that takes all, one that is slow, one that refuses."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]


class Server:
    """What came to a server, and what it answers: `answer` is told the number of the request."""

    def __init__(self, answer: Callable[[int], Answer], seconds: float = 0.0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.requests: list[tuple[str, dict[str, str], list[dict[str, Any]]]] = []
        self.stored: list[dict[str, Any]] = []
        self.address = ""

    @property
    def messages(self) -> list[str]:
        """The messages of what was answered with success, in their order."""
        return [one["message"] for one in self.stored]


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run a server on a free port for the length of a block."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(server.seconds)
            records = json.loads(body)
            number = len(server.requests)
            server.requests.append((self.path, dict(self.headers), records))
            status, headers = server.answer(number)
            if status == 200:
                server.stored += records
            self.send_response(status)
            for name, value in (headers | {"Content-Length": "0"}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Keep the tests' output to themselves."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.address = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def nobody() -> str:
    """An address of this machine at which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


def fine(_number: int) -> Answer:
    """Every request is stored."""
    return 200, {}
