"""A command that reads, as somebody types it: from a server, and from its database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy.engine import URL

from agentlogger.terminal.main import main
from tests.terminal.imports import served

MINUTE_NS = 60 * 10**9


class Reader:
    """Runs commands against one place, and fills it."""

    def __init__(self, app: Flask, place: tuple[str, str], home: Path) -> None:
        self.app = app
        self.place = place
        self.environment = {
            "XDG_CONFIG_HOME": str(home),
            "AGENTLOGGER_ENV_FILE": str(home / "none.env"),
            "AGENTLOGGER_INSTANCE": str(home),
            "TZ": "UTC",
        }
        (home / "none.env").touch()

    def run(self, command: str, *words: str, **environment: str) -> Result:
        """The outcome of a command, at this place."""
        return self.run_anywhere(command, *words, *self.place, **environment)

    def run_anywhere(self, *words: str, **environment: str) -> Result:
        """The outcome of a command as it is."""
        given = {**self.environment, **environment}
        return CliRunner().invoke(main, list(words), env=given, catch_exceptions=False)

    def fill(self, *records: dict[str, Any]) -> None:
        """Send records."""
        answer = self.app.test_client().post("/api/v1/logs", json=list(records))
        assert answer.get_json()["accepted"] == len(records)


@pytest.fixture
def at_a_server(app: Flask, tmp_path: Path) -> Iterator[Reader]:
    """A server alone, for what both places have from the same code."""
    with served(app) as address:
        yield Reader(app, ("--server", address), tmp_path)


@pytest.fixture(params=["a server", "its database"])
def reader(
    request: pytest.FixtureRequest, app: Flask, database_url: URL, tmp_path: Path
) -> Iterator[Reader]:
    """Each place in turn."""
    if request.param == "a server":
        with served(app) as address:
            yield Reader(app, ("--server", address), tmp_path)
    else:
        url = database_url.render_as_string(hide_password=False)
        yield Reader(app, ("--database", url), tmp_path)
