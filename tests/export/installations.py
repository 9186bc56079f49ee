"""An installation with records, on which commands of the terminal are run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import URL

from agentlogger.app import create_app
from agentlogger.terminal.main import main
from tests.conftest import settings_for
from tests.intake.readers import corpus

NOW = 1_795_600_000 * 10**9
SCENARIOS = ("codex: a turn", "gemini_cli: two calls", "otel: ", "openai_agents: ", "claude_code: ")
"""Emitters of logs, of spans, of both, with ids of their own and without."""


class Installation:
    """A database, an application on it, and the terminal of its machine."""

    def __init__(self, url: URL, folder: Path) -> None:
        own = folder / "none.env"
        own.touch()
        self.app: Flask = create_app(settings_for(url, folder))
        self.client = self.app.test_client()
        self.environment = {
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "AGENTLOGGER_INSTANCE": str(folder),
            "AGENTLOGGER_ENV_FILE": str(own),
            "SECRET_KEY": "a key of the tests",
            "XDG_CONFIG_HOME": str(folder),
        }

    def run(self, *words: str) -> Result:
        """The outcome of `agentlogger` with these words."""
        return CliRunner().invoke(main, words, env=self.environment)

    def records(self) -> list[dict[str, Any]]:
        """Every record, oldest first, as the API shows it."""
        answer = self.client.get("/api/v1/logs?limit=1000&order=asc&format=ndjson")
        *records, last = map(json.loads, answer.data.splitlines())
        assert last["trailer"]["complete"]
        return records

    def send(self, *records: dict[str, Any]) -> None:
        """Send plain JSON."""
        answer = self.client.post("/api/v1/logs", json=list(records))
        assert answer.get_json()["accepted"] == len(records), answer.get_json()

    def fill(self) -> None:
        """Records of emitters, and plain ones that are odd."""
        for scenario in corpus.scenarios():
            if scenario.name.startswith(SCENARIOS):
                for path, body in scenario.requests:
                    self.client.post(path, data=body, content_type="application/json")
        self.send(
            {"body": {"deep": [[1, 2.0, None, True]], "": 1e17}, "time": NOW},
            {"body": "no time, one identity", "id": 7},
            {"body": "=formula\nline", "time": 5, "level": "warn", "scope": {"name": "s"}},
            {"body": "nul \0 and secret", "password": "hunter2-hunter2", "n": 2**70},
            *({"body": n, "time": NOW + n // 3} for n in range(20)),
        )


def same(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without what each server says for itself: id, time of receipt, where it was first."""
    found = []
    for record in records:
        envelope = {k: v for k, v in (record["envelope"] or {}).items() if k != "origin"}
        own = {"id": None, "received_time": None, "envelope": envelope or None}
        found.append(record | own)
    return sorted(found, key=lambda one: json.dumps(one, sort_keys=True))
