"""What a client is told while the database cannot store: come again, soon enough to be served."""

from __future__ import annotations

import time

from google.rpc.status_pb2 import Status

from tests.journeys.serving import Server
from tests.journeys.talking import JSON, Answer, post

UNAVAILABLE = 14
"""google.rpc.Code.UNAVAILABLE"""
SDK_SECONDS = 10
"""After so long, counted over all of its tries, OpenTelemetry's SDK throws its records away."""
MOST_SECONDS = 40
"""What these tests wait instead: who waits for ever is found out, and a machine that stalls is not.
The server's own bounds are less than half of the SDK's."""


def require_come_again(answer: Answer, media_type: str) -> None:
    """Check that a client which keeps to OTLP sends the same again, and soon enough."""
    assert answer.status == 503, answer
    assert 0 < int(answer.headers["Retry-After"]) < SDK_SECONDS / 2
    assert answer.headers["Content-Type"] == media_type
    if media_type == JSON:
        said = answer.json()
        assert set(said) == {"code", "message", "details"}
        code, message = said["code"], said["message"]
    else:
        status = Status.FromString(answer.body)
        code, message = status.code, status.message
    assert code == UNAVAILABLE
    assert "try the same again in a moment" in message


def timed_post(server: Server, media_type: str, body: bytes) -> tuple[Answer, float]:
    """The answer to an export, and after how many seconds it came."""
    begun = time.monotonic()
    answer = post(server, "/v1/logs", body, media_type)
    return answer, time.monotonic() - begun
