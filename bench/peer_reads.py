"""How long the newest fifty spans and a search for a word take, beside MLflow and Phoenix.

`python -m bench.peer_reads` starts each server on a PostgreSQL database of its own, sends all of
them the same spans until so many are stored or the time is up, waits until none comes any more, and
asks each by its own API, warm, one after the other. One span in a few hundred has a rare word in
its prompt. Everything is bounded and ends by itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from bench import table
from bench.peer_servers import HOST, Peer, Running, choosing, of_each
from bench.span_requests import renew, request_of

WORD = "heliotrope"
EVERY = 20
"""One request of so many has the word, in its first span."""
SPANS = 10
"""A request."""
SETTLED_SECONDS = 5.0
"""A database in which nothing came for so long has all that it will have."""
TRIES = 20
WARM_UP = 2
NEWEST = 50

MLFLOW = {
    "locations": [
        {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
    ],
    "max_results": NEWEST,
    "order_by": ["timestamp_ms DESC"],
}
PHOENIX = """
query ($filter: String) {
  getProjectByName(name: "default") {
    spans(first: 50, sort: {col: startTime, dir: desc}, filterCondition: $filter) {
      edges { node { name startTime statusCode latencyMs input { value } output { value } } }
    }
  }
}
"""


@dataclass(frozen=True)
class Question:
    """How a server is asked, and how what it answers is counted."""

    path: str
    body: Mapping[str, Any] | None
    count: Callable[[Any], int]


def _phoenix(condition: str | None) -> Question:
    body = {"query": PHOENIX, "variables": {"filter": condition}}
    return Question(
        "/graphql", body, lambda got: len(got["data"]["getProjectByName"]["spans"]["edges"])
    )


def _mlflow(condition: str | None) -> Question:
    body = MLFLOW | ({"filter": condition} if condition else {})
    return Question("/api/3.0/mlflow/traces/search", body, lambda got: len(got.get("traces", ())))


def _ours(query: str) -> Question:
    return Question(f"/api/v1/logs?limit={NEWEST}{query}", None, lambda got: len(got["items"]))


QUESTIONS = {
    "AgentLogger": (_ours(""), _ours(f"&q={WORD}")),
    "MLflow": (_mlflow(None), _mlflow(f"trace.text LIKE '%{WORD}%'")),
    "Phoenix": (_phoenix(None), _phoenix(f"'{WORD}' in input.value")),
}
"""The newest, and those with the word. MLflow lists traces, of ten spans each here; it has no list
of spans."""


@dataclass
class Measured:
    """What one server answered, and how soon, in milliseconds."""

    stored: int = 0
    found: list[int] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    print(f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}")
    results = of_each(asked, lambda peer, address: _measure(peer, address, asked))
    _show(results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.peer_reads", description=__doc__)
    parser.add_argument("--spans", type=int, default=5_000, help="to store (default: 5000)")
    parser.add_argument("--seconds", type=float, default=240, help="to store them in, at most")
    parser.add_argument("--rounds", type=int, default=15, help="default: 15; medians are printed")
    choosing(parser)
    return parser


def _measure(peer: Peer, address: str, asked: argparse.Namespace) -> Measured:
    measured = Measured()
    with (
        tempfile.TemporaryDirectory() as folder,
        peer.serving(address, Path(folder)) as running,
    ):
        _fill(peer, running, address, asked)
        measured.stored = _settled(peer, address, time.monotonic() + asked.seconds)
        for question in QUESTIONS[peer.name]:
            taken = []
            for _ in range(WARM_UP + asked.rounds):
                began = time.monotonic()
                found = question.count(_answer(running.port, question))
                taken.append((time.monotonic() - began) * 1_000)
            measured.found.append(found)
            measured.medians.append(statistics.median(taken[WARM_UP:]))
    return measured


def _fill(peer: Peer, running: Running, address: str, asked: argparse.Namespace) -> None:
    """Send requests one after the other, and never far ahead of what is stored."""
    chance = random.Random(1)
    plain, telling = request_of(SPANS, chance), request_of(SPANS, chance)
    for one in telling.resource_spans[0].scope_spans[0].spans[0].attributes:
        if one.key == "input.value":
            text = one.value.string_value
            one.value.string_value = text.replace(" ", f" {WORD} ", 1)
    headers = {"Content-Type": "application/x-protobuf", **peer.headers}
    end = time.monotonic() + asked.seconds
    for number in range(asked.spans // SPANS):
        message = plain if number % EVERY else telling
        renew(message, chance)
        _send(running.port, message.SerializeToString(), headers)
        while (number + 1) * SPANS - _count(peer, address) > asked.spans // 10:
            if time.monotonic() > end:
                return
            time.sleep(0.2)
        if time.monotonic() > end:
            return


def _send(port: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a request, again where the connection breaks: MLflow's workers end now and then."""
    for tried in range(TRIES):
        try:
            with closing(http.client.HTTPConnection(HOST, port, timeout=60)) as connection:
                connection.request("POST", "/v1/traces", body, headers)
                connection.getresponse().read()
                return
        except (OSError, http.client.HTTPException):
            if tried == TRIES - 1:
                raise
            time.sleep(1)


def _settled(peer: Peer, address: str, end: float) -> int:
    """How many spans are in the database when none comes any more."""
    count, since = -1, time.monotonic()
    while time.monotonic() < min(end, since + SETTLED_SECONDS):
        now = _count(peer, address)
        if now != count:
            count, since = now, time.monotonic()
        time.sleep(0.5)
    return count


def _count(peer: Peer, address: str) -> int:
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {peer.table}")  # noqa: S608  (a constant)
        (count,) = cursor.fetchone() or (0,)
        return int(count)


def _answer(port: int, question: Question) -> Any:
    """By a connection of its own: some servers close one that waits, and as it is asked again."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=120)) as connection:
        if question.body is None:
            connection.request("GET", question.path)
        else:
            told = {"Content-Type": "application/json"}
            connection.request("POST", question.path, json.dumps(question.body), told)
        response = connection.getresponse()
        text = response.read()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{question.path}: {response.status} {text[:500]!r}")
    return json.loads(text)


def _show(results: dict[str, Measured]) -> None:
    lines: dict[str, Callable[[Measured], str]] = {
        "spans stored": lambda one: f"{one.stored:,}",
        f"newest {NEWEST}, ms": lambda one: f"{one.medians[0]:,.1f}",
        "  found": lambda one: str(one.found[0]),
        f"with the word {WORD!r}, newest {NEWEST}, ms": lambda one: f"{one.medians[1]:,.1f}",
        "  found ": lambda one: str(one.found[1]),
    }
    rows = [[name, *(tell(one) for one in results.values())] for name, tell in lines.items()]
    print()
    table.show(["", *results], rows)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
