"""`-f` shows what comes in, each record once, also what comes late, and waits for a server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner

from agentlogger.terminal import following
from agentlogger.terminal.following import Following
from agentlogger.terminal.main import main
from agentlogger.terminal.places import Place
from agentlogger.terminal.records import Asked
from agentlogger.terminal.sources import Refused
from tests.terminal.test_brief import of_api


class Scripted:
    """A source with a live tail, which sends what was written for it."""

    name = "it"

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = iter(answers)
        self.asked: list[dict[str, Any]] = []

    @contextmanager
    def lines(self, path: str, asked: dict[str, Any], accept: str) -> Iterator[Iterator[bytes]]:
        assert (path, accept) == ("/api/v1/tail", "application/x-ndjson")
        self.asked.append(asked)
        answer = next(self.answers, None)
        if answer is None:
            raise KeyboardInterrupt
        yield self.sent(answer)

    def sent(self, answer: list[Any]) -> Iterator[bytes]:
        for one in answer:
            if isinstance(one, Exception):
                raise one
            if isinstance(one, bytes):
                yield one
                return
            yield json.dumps(dict(zip(("event", "id", "data"), one, strict=True))).encode() + b"\n"


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """How long was waited, in no time."""
    waited: list[float] = []
    monkeypatch.setattr(following, "pause", waited.append)
    return waited


def shown(source: Scripted, *known: dict[str, Any]) -> list[str]:
    """What is shown until Ctrl-C."""
    follows = Following(source, Asked("level:info"))
    follows.begin()
    bodies: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        bodies.extend(record["body"] for record in follows.records(known))
    return bodies


OPEN = [("open", "p0", {"hints": []}), ("end", "p0", {"reason": "time", "detail": ""})]


def test_a_tail_goes_on_where_it_ended_and_shows_each_record_once():
    source = Scripted(
        OPEN,
        [
            ("open", "p0", {"hints": []}),
            ("record", "p1", of_api(1)),
            ("record", "p2", of_api(2)),
            ("heartbeat", "p3", {}),
            ("end", "p3", {"reason": "time", "detail": "The time is over."}),
        ],
        [("open", "p3", {}), ("update", "p4", of_api(2, "number 2, completed"))],
    )

    assert shown(source, of_api(1)) == ["number 2", "number 2, completed"]
    assert [one.get("after") for one in source.asked] == [None, "p0", "p3", "p4"]
    assert {one["q"] for one in source.asked} == {"level:info"}


def test_it_waits_for_a_server_that_is_away_and_says_so(capsys, pauses):
    busy = Refused("As many tails are open as are served.", status=503)
    source = Scripted(
        OPEN,
        [("record", "p1", of_api(1)), b'{"event":"rec'],
        [busy],
        [("open", "p1", {}), ("record", "p2", of_api(2))],
    )

    assert shown(source) == ["number 1", "number 2"]
    assert source.asked[-2]["after"] == "p1"
    assert pauses == [1.0, 2.0]
    assert capsys.readouterr().err == "it was cut off. Trying again.\nIt is there again.\n"


def test_what_a_tail_left_out_is_told(capsys):
    gap = {"reason": "slow", "records": 1200, "since": "2026-11-22T07:04:00Z"}

    shown(Scripted(OPEN, [("gap", "p9", gap)]))

    assert "1,200 records are not shown here since 2026-11-22T07:04:00Z (slow)" in (
        capsys.readouterr().err
    )


def test_a_key_that_may_no_longer_read_ends_it():
    end = ("end", "p1", {"reason": "key", "detail": "The key may no longer read this project."})
    follows = Following(Scripted(OPEN, [end]), Asked())
    follows.begin()

    with pytest.raises(Refused, match="may no longer read"):
        list(follows.records([]))


@pytest.fixture
def arriving(reader, monkeypatch):
    """A function that follows a place, and at each pause has something happen; then Ctrl-C."""

    def following_while(*words: str, happens: list[Callable[[], None]]):
        waiting = iter(happens)

        def pause(_seconds: float) -> None:
            happening = next(waiting, None)
            if happening is None:
                raise KeyboardInterrupt
            happening()

        monkeypatch.setattr(following, "pause", pause)
        # A server of another version, which has no live tail.
        monkeypatch.setattr(following, "PATH", "/api/v1/no-tail")
        return reader.run("tail", "-f", "--json", *words)

    return following_while


def at(reader, seconds_ago: int, text: str, **others: object) -> Callable[[], None]:
    """What sends a record of then."""
    time_ns = str(time.time_ns() - seconds_ago * 10**9)
    return lambda: reader.fill({"time": time_ns, "message": text, **others})


def test_a_server_without_a_tail_is_asked_again_and_again(reader, arriving):
    for number in range(4):
        at(reader, 100 - number, f"old {number}")()

    outcome = arriving(
        "-n", "2", "level:>=info",
        happens=[
            at(reader, 1, "new"),
            at(reader, 98, "late"),
            at(reader, 1, "not meant", severity="debug"),
            lambda: None,
        ],
    )  # fmt: skip

    assert outcome.exit_code == 130
    bodies = [json.loads(line)["body"] for line in outcome.stdout.splitlines()]
    assert bodies == ["old 2", "old 3", "new", "late"]
    assert "It has no live tail" in outcome.stderr


def test_what_comes_in_is_shown(reader):
    name, value = reader.place
    source = Place(**{name.removeprefix("--"): value}).open()
    follows = Following(source, Asked("level:info"))
    try:
        follows.begin()
        records = follows.records([])
        reader.fill({"message": "it came"})

        assert next(records)["body"] == "it came"
        records.close()
    finally:
        source.close()


@pytest.mark.parametrize("words", [["--csv"], ["--for-llm"], ["--until", "now"]])
def test_what_goes_on_for_ever_has_no_end(words):
    assert CliRunner().invoke(main, ["tail", "-f", *words]).exit_code == 2
