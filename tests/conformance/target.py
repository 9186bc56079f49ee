"""The server that is judged: asked over plain HTTP, and read back where it is AgentLogger.

Nothing here is AgentLogger's own code: these tests run against any server that takes OTLP/HTTP.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
TIMEOUT_SECONDS = 60
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def media_type(self) -> str:
        """Its Content-Type without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class Target:
    """A server by its address, and the key that it asks for."""

    def __init__(self, url: str, key: str = "") -> None:
        self.address = urlsplit(url)
        self.key = key
        self.is_agentlogger = self._is_agentlogger()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        key: str | None = None,
    ) -> Answer:
        """Send one request on a connection of its own; pieces go out chunked without a length.

        `key` stands for the target's own; "" sends none.
        """
        connection = self._connection()
        shown = self.key if key is None else key
        told = dict(headers) | ({"Authorization": f"Bearer {shown}"} if shown else {})
        chunked = body is not None and not isinstance(body, bytes) and "Content-Length" not in told
        if chunked:
            told["Transfer-Encoding"] = "chunked"
        try:
            whole = self.address.path.rstrip("/") + path
            # Who answers before it has read everything is judged by that answer.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, whole, body, told, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(
        self,
        path: str,
        body: bytes | Iterable[bytes],
        media_type: str | None,
        encoding: str = "",
    ) -> Answer:
        """Send an export."""
        headers = {"Content-Type": media_type} if media_type else {}
        if encoding:
            headers["Content-Encoding"] = encoding
        return self.ask("POST", path, body, headers)

    def stored(self, session: str) -> list[dict[str, Any]] | None:
        """The records of a session, newest first; None where nobody knows how to read them."""
        if not self.is_agentlogger:
            return None
        query = urlencode({"session": session, "limit": 1000})
        answer = self.ask("GET", f"/api/v1/logs?{query}")
        assert answer.status == 200, answer
        items: list[dict[str, Any]] = json.loads(answer.body)["items"]
        return items

    def require_agentlogger(self, why: str) -> None:
        """Skip what OTLP leaves open and AgentLogger decides."""
        if not self.is_agentlogger:
            pytest.skip(f"OTLP leaves open {why}")

    def _is_agentlogger(self) -> bool:
        answer = self.ask("GET", "/api/v1/logs?limit=1")
        return answer.status == 200 and b'"next_cursor"' in answer.body

    def _connection(self) -> http.client.HTTPConnection:
        host, port = str(self.address.hostname), self.address.port
        if self.address.scheme == "https":
            return http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
