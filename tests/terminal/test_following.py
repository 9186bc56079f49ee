"""`-f` shows what comes in, each record once, also what comes late, and waits for a server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from agentlogger.terminal import following
from agentlogger.terminal.main import main
from agentlogger.terminal.sources import Refused, ServerSource

SECOND_NS = 10**9


@pytest.fixture
def follow(reader, monkeypatch):
    """A function that follows, does something at each pause, and then presses Ctrl-C."""

    def following_while(*words: str, pauses: list[Callable[[], None]]):
        waiting = iter(pauses)

        def pause(_seconds: float) -> None:
            happens = next(waiting, None)
            if happens is None:
                raise KeyboardInterrupt
            happens()

        monkeypatch.setattr(following, "pause", pause)
        return reader.run("tail", "-f", "--json", *words)

    return following_while


def at(reader, seconds_ago: int, text: str, **others: object) -> Callable[[], None]:
    """What sends a record of then."""
    time_ns = str(time.time_ns() - seconds_ago * SECOND_NS)
    return lambda: reader.fill({"time": time_ns, "message": text, **others})


def test_what_comes_in_is_shown_once_and_late_ones_too(reader, follow):
    for number in range(4):
        at(reader, 100 - number, f"old {number}")()

    outcome = follow(
        "-n", "2", "level:>=info",
        pauses=[
            at(reader, 1, "new"),
            at(reader, 98, "late"),
            at(reader, 1, "not meant", severity="debug"),
            lambda: None,
        ],
    )  # fmt: skip

    assert outcome.exit_code == 130
    shown = [json.loads(line)["body"] for line in outcome.stdout.splitlines()]
    assert shown == ["old 2", "old 3", "new", "late"]


def test_it_waits_for_a_server_that_is_away_and_says_so(at_a_server, monkeypatch):
    reader = at_a_server
    get, away = ServerSource.get, iter([False, False, True, True, False])

    def sometimes(*given, **told):
        if next(away, False):
            raise Refused("It is not reached.", status=0)
        return get(*given, **told)

    happens = iter([lambda: None, lambda: None, at(reader, 1, "meanwhile")])

    def pause(_seconds: float) -> None:
        happening = next(happens, None)
        if happening is None:
            raise KeyboardInterrupt
        happening()

    monkeypatch.setattr(ServerSource, "get", sometimes)
    monkeypatch.setattr(following, "pause", pause)
    outcome = reader.run("tail", "-f")

    assert outcome.stderr == "It is not reached. Trying again.\nIt is there again.\n"
    assert " meanwhile " in outcome.stdout


@pytest.mark.parametrize("words", [["--csv"], ["--for-llm"], ["--until", "now"]])
def test_what_goes_on_for_ever_has_no_end(words):
    assert CliRunner().invoke(main, ["tail", "-f", *words]).exit_code == 2
