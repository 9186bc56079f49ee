"""Tails of a server with two workers: through its ends and starts, and beside those who send."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from tests.journeys.serving import HOST, Server, serving

WORKERS, TAILS, OF_ONE_PROJECT = 2, 12, 11
"""More tails than a worker has threads for all else, which are ten: for one that sends, one that
waits to, and eight that read."""
SETTINGS = {
    "AGENTLOGGER_WORKERS": str(WORKERS),
    "AGENTLOGGER_THREADS": "1",
    "AGENTLOGGER_TAILS": str(TAILS),
}
PATIENCE_SECONDS = 60


class Tail:
    """A client that follows, on a connection of its own."""

    def __init__(self, server: Server, after: str = "") -> None:
        self.connection = http.client.HTTPConnection(HOST, server.port, timeout=PATIENCE_SECONDS)
        path = f"/api/v1/tail?after={after}"
        self.connection.request("GET", path, headers={"Accept": "application/x-ndjson"})
        self.answer = self.connection.getresponse()

    def close(self) -> None:
        self.answer.close()
        self.connection.close()

    def events(self) -> Iterator[dict]:
        while line := self.answer.readline():
            event = json.loads(line)
            if event["event"] not in {"open", "heartbeat"}:
                yield event


def send(server: Server, body: object) -> int:
    with closing(http.client.HTTPConnection(HOST, server.port, timeout=PATIENCE_SECONDS)) as one:
        given = json.dumps({"body": body})
        one.request("POST", "/api/v1/logs", given, {"Content-Type": "application/json"})
        return one.getresponse().status


def opened(server: Server, held: ExitStack, count: int) -> list[Tail]:
    """So many tails, in whichever workers: one that is refused is tried again."""
    tails: list[Tail] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while len(tails) < count:
        one = Tail(server)
        if one.answer.status == http.HTTPStatus.OK:
            tails.append(held.enter_context(closing(one)))
        else:
            assert one.answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE
            one.close()
            assert time.monotonic() < until, "No place became free."
    return tails


def test_with_every_tail_open_others_are_served_and_each_tail_goes_on_after_a_restart(
    database_address: str, tmp_path: Path
):
    with ExitStack() as held, serving(database_address, tmp_path, settings=SETTINGS) as server:
        tails = opened(server, held, WORKERS * OF_ONE_PROJECT)
        with ThreadPoolExecutor(2) as senders:
            assert set(senders.map(lambda number: send(server, number), range(8))) == {200}
        shown = [[next(events) for _ in range(8)] for events in (one.events() for one in tails)]
        for some in shown:
            assert sorted(one["data"]["body"] for one in some) == list(range(8))

        # The thread of a client that has gone is another's soon.
        tails.pop().close()
        tails += opened(server, held, 1)

        server.process.terminate()
        for one in tails:
            (end,) = one.events()
            assert (end["event"], end["data"]["reason"]) == ("end", "stop")
        server.process.wait(PATIENCE_SECONDS)

    with serving(database_address, tmp_path, settings=SETTINGS) as server:
        assert send(server, "after the restart") == 200
        for some in shown[:2]:
            with closing(Tail(server, after=some[5]["id"])) as again:
                events = again.events()
                rest = [next(events)["data"]["body"] for _ in range(3)]
            assert rest == [*(one["data"]["body"] for one in some[6:]), "after the restart"]
