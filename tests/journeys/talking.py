"""Plain HTTP to a server, by the standard library: nothing is retried, followed or hidden."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from tests.journeys.serving import HOST, Server

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
TIMEOUT_SECONDS = 60
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON: integers exact, of whatever length."""
        return json.loads(self.body)


def ask(
    server: Server,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Send one request on a connection of its own; a body of several pieces goes out chunked.

    Raises TimeoutError where the server says nothing for so many seconds.
    """
    connection = http.client.HTTPConnection(HOST, server.port, timeout=seconds)
    try:
        connection.request(
            method,
            path,
            body=body,
            headers=dict(headers),
            encode_chunked="Transfer-Encoding" in headers,
        )
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def post(
    server: Server, path: str, body: bytes, media_type: str, *, seconds: float = TIMEOUT_SECONDS
) -> Answer:
    """Send a body with its length."""
    return ask(server, "POST", path, body, {"Content-Type": media_type}, seconds=seconds)


def get(server: Server, path: str) -> Answer:
    """Read one address."""
    return ask(server, "GET", path)


def stored_records(
    server: Server, *, session: str | None = None, page: int = 1_000
) -> list[dict[str, Any]]:
    """Every record, or those of a session, newest first, read page by page as programs do."""
    filters = {"limit": str(page)} | ({"session": session} if session else {})
    records: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = filters | ({"cursor": cursor} if cursor else {})
        answer = get(server, f"/api/v1/logs?{urlencode(query)}")
        assert answer.status == 200, answer
        found = answer.json()
        records += found["items"]
        cursor = found["next_cursor"]
        assert (cursor is None) == ("Link" not in answer.headers)
        if cursor is None:
            return records
        # A page is only cut off by its limit.
        assert len(found["items"]) == page
