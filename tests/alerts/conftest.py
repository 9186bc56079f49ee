"""A receiver of webhooks in this process, and a clock that a test moves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from agentlogger.blueprints import senders
from agentlogger.duties import alerting, webhooks
from agentlogger.duties.leased import Turn
from agentlogger.store import arrivals

SECOND_NS = 10**9
STEP_SECONDS = 60
"""Shorter than the pause after which nobody has watched."""


@dataclass
class Receiver:
    """What was received, and what is answered: the next of `answers`, and 204 behind them."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]

    @property
    def told(self) -> list[tuple[str, str | None, int | None]]:
        return [(one["type"], one["subject"], one["value"]) for one in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.received.append((dict(self.headers), body))
            self.send_response(kept.answers.pop(0) if kept.answers else 204)
            self.send_header("Location", f"{kept.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook?of=tests"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


class Watch:
    """One worker's turns, at a time that a test moves on."""

    def __init__(self, app: Flask, client: FlaskClient, receiver: Receiver) -> None:
        self.app, self.client, self.receiver = app, client, receiver
        self.ahead_ns = 0
        self.headers: dict[str, str] = {}

    def now(self) -> int:
        return time.time_ns() + self.ahead_ns

    def make(self, **wanted: Any) -> str:
        """The address of a new alert that tells the receiver."""
        given = {"name": "It", "window_seconds": 600, "url": self.receiver.url} | wanted
        answer = self.client.post("/api/v1/alerts", json=given, headers=self.headers)
        assert answer.status_code == 201, answer.get_json()
        return answer.headers["Location"]

    def get(self, path: str) -> Any:
        answer = self.client.get(path, headers=self.headers)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def send(self, *records: dict[str, Any], key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else self.headers
        answer = self.client.post("/api/v1/logs", json=list(records), headers=headers)
        assert answer.status_code == 200, answer.get_json()

    def send_spans(self, *spans: dict[str, Any], key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else self.headers
        body = {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}
        answer = self.client.post("/v1/traces", json=body, headers=headers)
        assert (answer.status_code, answer.get_json()) == (200, {})

    def look(self) -> None:
        """Evaluate every alert once."""
        with self.app.app_context():
            senders.write_down(everything=True)
            turn = Turn("alerting", every_seconds=1)
            assert turn.take()
            alerting.evaluate(turn, self.now)
            turn.give_back()

    def pass_by(self, seconds: int) -> None:
        """Let time pass, evaluating all the while."""
        for _ in range(-(-seconds // STEP_SECONDS)):
            self.ahead_ns += STEP_SECONDS * SECOND_NS
            self.look()

    def deliver(self) -> None:
        """Send what is due."""
        with self.app.app_context():
            turn = Turn("webhooks", every_seconds=1)
            assert turn.take()
            webhooks.send_due(turn, lambda _host: True, self.now)
            turn.give_back()

    def told(self) -> list[tuple[str, str | None, int | None]]:
        """What the receiver is told by now, and was not asked for before."""
        self.deliver()
        told = self.receiver.told
        self.receiver.received.clear()
        return told


@pytest.fixture
def watch(
    app: Flask, client: FlaskClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Watch:
    """One worker's turns; what is sent meanwhile is received at the time to which it was moved."""
    watching = Watch(app, client, receiver)
    monkeypatch.setattr(senders, "time_ns", watching.now)
    monkeypatch.setattr(arrivals, "now_ns", watching.now)
    return watching
