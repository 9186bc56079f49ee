"""How soon what is acknowledged is shown to a hundred tails, and what they cost those who send.

`python -m bench.tails` starts the server on each database as people do. First it sends marked
records, a few a second, to tails that show each of them, while the server rests, while others send
half of what it can take, and while they send as fast as they are answered. Then others send for
rounds, with tails open and without, one after the other: the tails show nothing of it, since what
they ask for does not come.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import databases, table
from bench.clients import HOST, Clients, Sent, connected
from bench.databases import Make
from bench.following import following
from tests.journeys.serving import serving

SHOWN = ("", "kind:log", '"mark"', "level:>=info mark*")
"""What the tails ask for that show each mark."""
JSON = {"Content-Type": "application/json"}
QUIET = ("tool:none", "level:>=fatal", '"nothing of this"', "model:none-*")
"""And those that show nothing."""
LAST_SECONDS = 5.0
"""How long the last mark is waited for."""


@dataclass
class Measured:
    """What was measured on one database."""

    facts: str
    delays: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from the answer to each tail that showed it."""
    unshown: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    """How many times a tail was told that it was not sent everything."""
    beside: dict[str, float] = field(default_factory=dict)
    """Records a second that others had acknowledged meanwhile."""
    rates: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    """Records a second, with tails open and without."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 where a tail has not shown what was acknowledged, and told no gap."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        chosen = databases.chosen(asked.only, Path(folder), asked.postgresql_url)
        results = {name: _measure(make, asked) for name, make in chosen.items()}
    for found in results.values():
        print(found.facts)
    print(f"{asked.tails} tails")
    table.show(["", *results], list(_rows(results)))
    return 1 if any(_is_skipped(found) for found in results.values()) else 0


def _is_skipped(found: Measured) -> bool:
    """Whether something was not shown while no tail was told so."""
    return any(number and not found.gaps[name] for name, number in found.unshown.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.tails", description=__doc__)
    parser.add_argument("--tails", type=int, default=100, help="default: 100")
    parser.add_argument("--marks", type=int, default=100, help="marked records (default: 100)")
    parser.add_argument("--pace", type=float, default=5, help="of these a second (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each kind (default: 3; 0: none)")
    parser.add_argument("--seconds", type=float, default=8, help="of a round (default: 8)")
    parser.add_argument("--connections", type=int, default=4, help="clients (default: 4)")
    parser.add_argument("--records", type=int, default=512, help="a request (default: 512)")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument("--postgresql-url", help="a server to make a database on")
    return parser


def _measure(make: Make, asked: argparse.Namespace) -> Measured:
    with (
        make() as database,
        tempfile.TemporaryDirectory() as instance,
        serving(database.address, Path(instance)) as server,
        connected(server.port, connections=asked.connections, records=asked.records) as clients,
    ):
        measured = Measured(database.facts)
        most = clients.send_for(2)
        half = most.acknowledged / most.seconds / 2 / asked.connections
        _show_marks(measured, "resting", server.port, asked, ('"mark"',))
        for name, every in ("at half load", asked.records / half), ("at full load", 0.0):
            with _sending(clients, asked.marks / asked.pace, every) as beside:
                _show_marks(measured, name, server.port, asked, ('"mark"',))
            measured.beside[name] = beside[0].acknowledged / beside[0].seconds
        _show_marks(measured, "resting, four queries", server.port, asked, SHOWN)
        for _ in range(asked.rounds):
            for has_tails in (False, True):
                queries = list(itertools.islice(itertools.cycle(QUIET), asked.tails))
                with following(server.port, queries if has_tails else []):
                    sent = clients.send_for(asked.seconds)
                measured.rates[has_tails].append(sent.acknowledged / sent.seconds)
        return measured


@contextmanager
def _sending(clients: Clients, seconds: float, every: float) -> Iterator[list[Sent]]:
    """Have others send meanwhile, each a request in so many seconds, or as fast as it can.

    What they sent stands in the list that is given, behind the block.
    """
    sent: list[Sent] = []
    thread = threading.Thread(target=lambda: sent.append(clients.send_for(seconds, every=every)))
    thread.start()
    yield sent
    thread.join()


def _show_marks(
    measured: Measured, name: str, port: int, asked: argparse.Namespace, queries: Sequence[str]
) -> None:
    all_queries = list(itertools.islice(itertools.cycle(queries), asked.tails))
    with following(port, all_queries) as tails:
        time.sleep(1)
        acknowledged = {}
        with closing(http.client.HTTPConnection(HOST, port)) as connection:
            for mark in range(asked.marks):
                begun = time.monotonic()
                given = json.dumps({"body": f"mark {mark}"})
                connection.request("POST", "/api/v1/logs", given, JSON)
                answer = connection.getresponse()
                answer.read()
                if answer.status == http.HTTPStatus.OK:
                    acknowledged[mark] = time.monotonic()
                time.sleep(max(0, 1 / asked.pace - (time.monotonic() - begun)))
        time.sleep(LAST_SECONDS)
        tails.send("shown")
        shown, measured.gaps[name] = tails.recv()
    measured.delays[name] = [
        # One may be shown before its sender has read the answer.
        max(0, when - acknowledged[mark])
        for mark in acknowledged
        for when in shown.get(mark, ())
    ]
    measured.unshown[name] = len(acknowledged) * asked.tails - len(measured.delays[name])


def _rows(results: dict[str, Measured]) -> Iterator[list[str]]:
    each = list(results.values())
    for name in each[0].delays:
        for percent in (50, 99):
            delays = (f"{_percentile(found.delays[name], percent) * 1_000:,.0f}" for found in each)
            yield [f"acknowledged to shown, {name}, p{percent}, ms", *delays]
        yield [f"  not shown, {name}", *(str(found.unshown[name]) for found in each)]
        yield [f"  gaps told, {name}", *(str(found.gaps[name]) for found in each)]
        if name in each[0].beside:
            rates = (f"{found.beside[name]:,.0f}" for found in each)
            yield [f"  records/s acknowledged meanwhile, {name}", *rates]
    if not each[0].rates[True]:
        return
    for has_tails, name in ((False, "without tails"), (True, "with tails")):
        rates = (f"{statistics.median(found.rates[has_tails]):,.0f}" for found in each)
        yield [f"records/s acknowledged, {name}", *rates]
        ends = (
            f"{min(found.rates[has_tails]):,.0f} to {max(found.rates[has_tails]):,.0f}"
            for found in each
        )
        yield ["  slowest and fastest round", *ends]


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
