"""`agentlogger watch` fits its screen, and keeps what it saw while a server is away."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC

import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console

from agentlogger.terminal import watch as command
from agentlogger.terminal.main import main
from agentlogger.terminal.places import Place
from agentlogger.terminal.sources import Refused, ServerSource
from agentlogger.terminal.watch import Watch

CALL = {"event": "claude_code.api_request", "model": "m-1", "agent": "claude-code"}


@pytest.fixture
def watching(at_a_server):
    """A watch of a server with two calls, one of them failed, and an error."""
    now = time.time_ns()
    at_a_server.fill(
        {**CALL, "time": str(now - 10**10), "request_id": "a", "cost_usd": 1.5, "session_id": "s"},
        {**CALL, "time": str(now - 10**12), "request_id": "b", "success": False, "session_id": "s"},
        {"time": str(now - 10**9), "severity": "error", "message": "\x1b[2Jit broke"},
        {"time": str(now - 10**9), "severity": "info", "message": "it went well"},
    )
    return Watch(Place(server=at_a_server.place[1]).open(), command.QUERY, UTC)


def shown(watching: Watch, width: int, height: int) -> str:
    out = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    out.print(watching.screen(width, height))
    return out.file.getvalue()


def test_it_shows_rates_failures_cost_sessions_and_errors(watching):
    watching.look(20)

    screen = shown(watching, 80, 24)

    rows = {line.split("  ")[0]: re.split(r" {2,}", line.strip()) for line in screen.splitlines()}
    assert rows["calls"] == ["calls", "1", "1", "2", "2"]
    assert rows["failed"] == ["failed", "0", "0", "1", "1"]
    assert rows["cost"] == ["cost", "$1.50", "$1.50", "$1.50", "$1.50"]
    assert re.search(r"\d\d:\d\d  s  2 calls  \$1\.50  1 error  claude-code, m-1", screen)
    assert r"\x1b[2Jit broke" in screen
    assert "it went well" not in screen


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (40, 10), (60, 5)])
def test_it_is_never_larger_than_its_screen(watching, width, height):
    watching.look(50)

    lines = shown(watching, width, height).rstrip("\n").splitlines()

    assert len(lines) <= max(height, command.HEADINGS)
    assert [line for line in lines if cell_len(line) > width] == []


def test_sums_of_a_long_time_are_asked_for_again_when_they_are_old_or_outrun(watching, monkeypatch):
    asked = []
    get = ServerSource.get

    def noted(source, path, parameters):
        if path == command.USAGE:
            asked.append(parameters["from"])
        return get(source, path, parameters)

    monkeypatch.setattr(ServerSource, "get", noted)
    monkeypatch.setattr(command, "OLD_SECONDS", (0, 0, 3_600, 3_600))
    watching.look(20)
    watching.look(20)
    watching.seen.usage[2]["calls"] = watching.seen.usage[3]["calls"] = 0
    watching.look(20)

    every = ["-1m", "-15m", "-1h", "-1d"]
    assert asked == [*every, "-1m", "-15m", *every]


def test_while_a_server_is_away_it_says_so_and_keeps_what_it_saw(watching, monkeypatch):
    watching.look(20)

    def away(*_given, **_told):
        raise Refused("It is not reached.", status=0)

    monkeypatch.setattr(ServerSource, "get", away)
    watching.look(20)

    screen = shown(watching, 80, 24)
    assert "It is not reached." in screen
    assert "it broke" in screen


def test_a_pipe_is_told_what_is_for_pipes():
    outcome = CliRunner().invoke(main, ["watch"])

    assert outcome.exit_code == 2
    assert "agentlogger stats" in outcome.stderr
