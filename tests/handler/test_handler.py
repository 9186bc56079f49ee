"""What a handler delivers, and what it does where it cannot."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import agentlogger.handler
from agentlogger import handler as module
from agentlogger.handler import AgentLoggerHandler, context
from tests.handler.servers import Answer, Server, fine, nobody, serving

SOURCE = Path(agentlogger.handler.__file__)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of this test's own, without handlers."""
    made = logging.getLogger("program.part")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    yield made
    for each in list(made.handlers):
        made.removeHandler(each)
        each.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that need no patience."""
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.02)
    for name in ("AGENTLOGGER_ENDPOINT", "AGENTLOGGER_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def attached(logger: logging.Logger, address: str, **given: object) -> AgentLoggerHandler:
    made = AgentLoggerHandler(address, **given)  # type: ignore[arg-type]
    logger.addHandler(made)
    return made


def test_a_record_carries_what_the_program_said(logger: logging.Logger) -> None:
    with serving(Server(fine)) as server:
        made = attached(logger, server.address, key="alog_k", service="planner")
        logger.warning("found %d files", 12, extra={"duration_ms": 40, "tool": "grep", "odd": {1}})
        made.flush()
    ((path, headers, (record,)),) = server.requests
    assert (path, headers["Authorization"]) == ("/api/v1/logs", "Bearer alog_k")
    assert (record["message"], record["severity_number"]) == ("found 12 files", 13)
    assert (record["tool"], record["duration_ms"]) == ("grep", 40)
    assert record["scope"] == {"name": "program.part"}
    assert record["attributes"]["odd"] == [1]
    assert record["attributes"]["code.function.name"] == (
        "test_a_record_carries_what_the_program_said"
    )
    assert record["resource"]["service.name"] == "planner"
    assert made.sent == 1


@pytest.mark.parametrize(
    ("level", "number"),
    [(0, 1), (5, 2), (10, 5), (20, 9), (25, 10), (30, 13), (40, 17), (50, 21), (99, 24)],
)
def test_a_level_becomes_opentelemetrys_number(level: int, number: int) -> None:
    assert module._severity(level) == number


def test_an_exception_comes_with_its_trace(logger: logging.Logger) -> None:
    with serving(Server(fine)) as server:
        made = attached(logger, server.address)
        try:
            {}["missing"]
        except KeyError:
            logger.exception("it failed")
        made.flush()
    attributes = server.stored[0]["attributes"]
    assert attributes["exception.type"] == "KeyError"
    assert attributes["exception.message"] == "'missing'"
    assert "test_an_exception_comes_with_its_trace" in attributes["exception.stacktrace"]


def test_a_context_is_carried_into_tasks_and_ends_with_its_block(logger: logging.Logger) -> None:
    async def step(name: str) -> None:
        with context(tool=name):
            await asyncio.sleep(0)
            logger.info(name)

    async def run() -> None:
        with context(session="s1", run="r1", team="red"):
            await asyncio.gather(step("a"), step("b"))

    with serving(Server(fine)) as server:
        made = attached(logger, server.address)
        asyncio.run(run())
        logger.info("outside")
        made.flush()
    found = {record["message"]: record for record in server.stored}
    for name in "ab":
        assert (found[name]["session_id"], found[name]["run_id"]) == ("s1", "r1")
        assert (found[name]["tool"], found[name]["attributes"]["team"]) == (name, "red")
    assert "session_id" not in found["outside"]


def test_what_a_call_says_itself_wins_over_the_context(logger: logging.Logger) -> None:
    with serving(Server(fine)) as server, context(tool="a"):
        made = attached(logger, server.address)
        logger.info("x", extra={"tool": "b"})
        made.flush()
    assert server.stored[0]["tool"] == "b"


class Unshowable:
    """An object that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


def test_values_that_are_no_json_cost_no_record(logger: logging.Logger) -> None:
    loop: list[object] = []
    loop.append(loop)
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    odd = [Unshowable(), float("nan"), loop, {(1, 2): 3}, b"\xff", "\ud800", 2**90, {1, 2}, deep]
    odd += [10**5_000]
    with serving(Server(fine)) as server:
        made = attached(logger, server.address)
        for number, value in enumerate(odd):
            logger.info("%d", number, extra={"value": value})
        made.flush()
    assert server.messages == [str(number) for number in range(len(odd))]


@pytest.mark.parametrize("odd", [float("nan"), {(1, 2): 3}])
def test_an_odd_value_changes_no_other(logger: logging.Logger, odd: object) -> None:
    with serving(Server(fine)) as server:
        made = attached(logger, server.address)
        logger.info("odd", extra={"duration_ms": odd, "value": odd, "tokens": 7})
        logger.info("other", extra={"value": {"text": "t" * 3_000, "tokens": 7}})
        made.flush()
    first, other = server.stored
    assert first["attributes"]["tokens"] == 7
    assert first["attributes"]["value"] == str(odd)
    assert other["attributes"]["value"] == {"text": "t" * 3_000, "tokens": 7}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_was_not_stored_is_sent_again_under_the_same_ids(
    logger: logging.Logger, status: int
) -> None:
    def answer(number: int) -> Answer:
        return (status, {"Retry-After": "0"}) if number < 3 else (200, {})

    with serving(Server(answer)) as server:
        made = attached(logger, server.address)
        logger.info("once")
        made.flush()
    ids = [records[0]["id"] for _, _, records in server.requests]
    assert len(ids) == 4
    assert len(set(ids)) == 1
    assert server.messages == ["once"]


def test_waiting_to_send_again_draws_nothing_from_the_programs_own_chance(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that seeded it gets the same numbers with the handler as without."""
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    before = random.getstate()
    with serving(Server(lambda number: (503 if number < 3 else 200, {}))) as server:
        made = attached(logger, server.address)
        logger.info("once")
        deadline = time.monotonic() + 30
        while not server.messages and time.monotonic() < deadline:
            time.sleep(0.01)
        made.flush()
    assert server.messages == ["once"]
    assert random.getstate() == before


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_will_never_be_stored_is_told_once_and_not_sent_again(
    logger: logging.Logger, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Server(lambda _: (status, {}))) as server:
        made = attached(logger, server.address)
        for name in "ab":
            logger.info(name)
            made.flush()
    assert len(server.requests) == made.refused == 2
    assert capsys.readouterr().err == (
        f"AgentLogger: the server answers {status}, so what was sent is lost.\n"
    )


def test_a_request_that_is_too_large_goes_in_halves(logger: logging.Logger) -> None:
    with serving(Server(fine)) as server:
        server.answer = lambda number: (413 if len(server.requests[number][2]) > 2 else 200, {})
        made = attached(logger, server.address)
        for number in range(7):
            logger.info("%d", number)
        made.flush()
    assert server.messages == [str(number) for number in range(7)]


def test_a_full_queue_loses_the_oldest_and_says_how_many(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 60)
    with serving(Server(fine)) as server:
        made = attached(logger, server.address, capacity=3)
        for number in range(10):
            logger.info("%d", number)
        made.flush()
    assert server.messages == [
        "7", "8", "9", "7 records before this one were dropped: the queue was full."
    ]  # fmt: skip
    assert made.dropped == 7


def test_what_sending_logs_itself_is_not_sent(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Server(fine)) as server:
        made = attached(logger, server.address)
        post = made._post
        monkeypatch.setattr(made, "_post", lambda body: logger.info("posting") or post(body))
        logger.info("mine")
        made.flush()
    assert server.messages == ["mine"]


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:4318", "ftp://x", "http://"])
def test_an_endpoint_that_is_none_is_told_at_once(endpoint: str) -> None:
    if endpoint:
        with pytest.raises(ValueError, match="write it as"):
            AgentLoggerHandler(endpoint)
    else:
        AgentLoggerHandler().close()


def test_a_forked_child_sends_its_own_and_not_its_parents(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 60)
    with serving(Server(fine)) as server:
        made = attached(logger, server.address)
        logger.info("parent")
        child = os.fork()
        if child == 0:
            logger.info("child")
            made.flush()
            os._exit(0)
        os.waitpid(child, 0)
        made.flush()
    assert sorted(server.messages) == ["child", "parent"]
    assert len({record["resource"]["process.pid"] for record in server.stored}) == 2


def test_python_ending_waits_once_and_not_for_each_of_its_two_calls(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = attached(logger, nobody(), exit_seconds=0.05)
    waits: list[float] = []
    # The module's own name for it: the clock of the process belongs to other threads as well, and
    # one of them that waits in a loop would fill the list without an end.
    clock = SimpleNamespace(
        sleep=waits.append, monotonic=lambda: len(waits) * 0.01, time_ns=time.time_ns
    )
    monkeypatch.setattr(module, "time", clock)
    logger.info("lost")
    logging.shutdown([weakref.ref(made)])
    assert len(waits) == 5
    logger.info("one more")
    made.close()
    assert len(waits) == 10


PROGRAM = """
import logging, sys
from handler import AgentLoggerHandler
logging.getLogger().addHandler(AgentLoggerHandler(sys.argv[1], exit_seconds=float(sys.argv[2])))
logging.warning("the last word")
"""


def program(folder: Path, address: str, exit_seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program that has a copy of the file and nothing else of ours."""
    (folder / "handler.py").write_text(SOURCE.read_text())
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-S", "program.py", address, str(exit_seconds)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_copied_alone_it_sends_before_its_program_ends(tmp_path: Path) -> None:
    with serving(Server(fine)) as server:
        done = program(tmp_path, server.address, 20)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.messages == ["the last word"]


def test_a_program_ends_though_nobody_takes_its_records_and_says_so(tmp_path: Path) -> None:
    done = program(tmp_path, nobody(), 0.3)
    assert done.returncode == 0
    assert "is not reached" in done.stderr
    assert "could not be sent before the end of the program and are lost" in done.stderr
    assert "Traceback" not in done.stderr
