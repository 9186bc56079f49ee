"""A program that logs much is not slowed by a server that is away, slow or full."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from agentlogger.handler import AgentLoggerHandler
from tests.handler.servers import Server, nobody, serving

CALLS = 10_000


@contextmanager
def dead() -> Iterator[str]:
    yield nobody()


@contextmanager
def slow() -> Iterator[str]:
    with serving(Server(lambda _: (200, {}), seconds=0.5)) as server:
        yield server.address


@contextmanager
def full() -> Iterator[str]:
    with serving(Server(lambda _: (503, {"Retry-After": "0"}))) as server:
        yield server.address


def calls(handler: logging.Handler) -> float:
    """How long a program's calls take with this handler, in seconds."""
    logger = logging.getLogger("program.calls")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        began = time.perf_counter()
        for number in range(CALLS):
            logger.info("call %d", number, extra={"tool": "grep"})
        return time.perf_counter() - began
    finally:
        logger.removeHandler(handler)


@pytest.mark.promise
@pytest.mark.parametrize("server", [dead, slow, full])
def test_ten_thousand_calls_take_no_longer_than_twice_those_of_no_handler_and_a_second(
    server: Callable[[], Iterator[str]],
) -> None:
    """A bar that is a second wide: it is about waiting for a server, and not about speed."""
    nothing = calls(logging.NullHandler())
    with server() as address:
        handler = AgentLoggerHandler(address, exit_seconds=0.1)
        try:
            taken = calls(handler)
        finally:
            handler.close()
    assert taken < 2 * nothing + 1
