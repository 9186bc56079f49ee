"""How many records a second the server acknowledges, beside what its database could take.

`python -m bench.ingest` starts the server on each database as people do, and sends OTLP requests
for a bounded time. Only what is acknowledged and then found in the database counts. In the same
run, between the rounds, one connection writes the same records to the database by itself: the
ratio of the two holds on any machine, the figures on this one only.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agentlogger import RUNS_AS
from agentlogger.compiled import finding
from bench import databases, table
from bench.clients import Clients, connected
from bench.databases import Database, Make
from bench.processes import Memory, Tree
from bench.records import Mix
from bench.start_times import start_times
from tests.journeys.serving import Server, serving

WARM_UP_SECONDS = 2.0
MICROSECONDS = 1_000_000
NO_MEMORY = Memory(0, 0)


@dataclass
class Measured:
    """What was measured on one database, round by round."""

    facts: str
    resting: Memory = NO_MEMORY
    loaded: Memory = NO_MEMORY
    rates: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    half_rates: list[float] = field(default_factory=list)
    """At half of the rate of the round before."""
    half_latencies: list[float] = field(default_factory=list)
    server_costs: list[float] = field(default_factory=list)
    """Seconds on a processor a record."""
    database_costs: list[float] = field(default_factory=list)
    acknowledged: int = 0
    stored: int = 0
    refused: int = 0


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where an acknowledged record is missing in a database."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        makes = databases.chosen(asked.only, Path(folder), asked.postgresql_url)
        print(
            f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}, "
            f"intake: {finding.PURE if asked.pure else RUNS_AS}"
        )
        if asked.start_times:
            _show_start_times(makes)
            return 0
        results = {name: _measure(make, asked) for name, make in makes.items()}
    _show(results)
    lost = {name: found for name, found in results.items() if found.stored != found.acknowledged}
    for name, found in lost.items():
        print(f"{name}: {found.acknowledged:,} acknowledged, {found.stored:,} in the database!")
    return 1 if lost else 0


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """What all that send and count can be asked for."""
    parsed = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parsed.add_argument("--seconds", type=float, default=10, help="of a round (default: 10)")
    parsed.add_argument("--rounds", type=int, default=3, help="default: 3; medians are printed")
    parsed.add_argument("--connections", type=int, default=8, help="clients (default: 8)")
    parsed.add_argument("--records", type=int, default=512, help="a request (default: 512)")
    parsed.add_argument("--bytes", type=int, default=800, help="a record, about (default: 800)")
    parsed.add_argument(
        "--calls",
        choices=["turns", "half"],
        default="turns",
        help="which records: as an agent works, or half of them calls of models (default: turns)",
    )
    parsed.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parsed.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    return parsed


def _parser() -> argparse.ArgumentParser:
    parsed = parser("bench.ingest", __doc__)
    parsed.add_argument(
        "--start-times", action="store_true", help="measure starts of the server instead"
    )
    parsed.add_argument("--pure", action="store_true", help="without what `make compile` has made")
    return parsed


def _measure(make: Make, asked: argparse.Namespace) -> Measured:
    settings = {finding.SWITCH: "no"} if asked.pure else {}
    with serving_clients(make, asked, settings) as (database, server, clients):
        measured = Measured(database.facts)
        tree = Tree(server.pid)
        measured.resting = tree.memory()
        clients.send_for(WARM_UP_SECONDS)
        with tree.watched() as samples:
            for _ in range(asked.rounds):
                measure_round(measured, database, tree, clients, asked.seconds)
                measured.limits.append(database.own_limit())
                _measure_half(measured, database, clients, asked)
        measured.loaded = max(samples)
        return measured


@contextmanager
def serving_clients(
    make: Make, asked: argparse.Namespace, settings: Mapping[str, str]
) -> Iterator[tuple[Database, Server, Clients]]:
    """A database of its own, a server on it, and clients of that with what they are to send."""
    with (
        make() as database,
        tempfile.TemporaryDirectory() as instance,
        serving(database.address, Path(instance), settings=settings) as server,
        connected(
            server.port,
            connections=asked.connections,
            records=asked.records,
            mix=Mix(asked.calls, asked.bytes),
        ) as clients,
    ):
        yield database, server, clients


def _measure_half(
    measured: Measured, database: Database, clients: Clients, asked: argparse.Namespace
) -> None:
    """Send half of what the last round sent in a second, each request when it is due."""
    before = database.count()
    each_client = measured.rates[-1] / 2 / asked.connections
    sent = clients.send_for(asked.seconds, every=asked.records / each_client)
    measured.acknowledged += sent.acknowledged
    measured.refused += sent.refused
    measured.stored += database.count() - before
    measured.half_rates.append(sent.acknowledged / sent.seconds)
    measured.half_latencies += sent.latencies


def measure_round(
    measured: Measured, database: Database, tree: Tree, clients: Clients, seconds: float
) -> None:
    """Send for so many seconds, as fast as requests are answered, and note what became of it."""
    beside = database.tree()
    before = database.count()
    began = tree.processor_seconds(), beside.processor_seconds() if beside else 0.0
    sent = clients.send_for(seconds)
    ended = tree.processor_seconds(), beside.processor_seconds() if beside else 0.0
    stored = database.count() - before
    measured.acknowledged += sent.acknowledged
    measured.refused += sent.refused
    measured.stored += stored
    measured.latencies += sent.latencies
    # What was acknowledged and is not there does not count.
    counted = max(min(sent.acknowledged, stored), 1)
    measured.rates.append(counted / sent.seconds)
    measured.server_costs.append((ended[0] - began[0]) / counted)
    if beside:
        measured.database_costs.append((ended[1] - began[1]) / counted)


def _show(results: dict[str, Measured]) -> None:
    for found in results.values():
        print(found.facts)
    print()
    lines: list[tuple[str, Callable[[Measured], str]]] = [
        ("records/s, acknowledged and in the database", lambda m: _number(median(m.rates))),
        ("  slowest and fastest round", lambda m: _ends(m.rates)),
        ("answer, p50, ms", lambda m: _number(_percentile(m.latencies, 50) * 1_000)),
        ("answer, p99, ms", lambda m: _number(_percentile(m.latencies, 99) * 1_000)),
        ("at half of that load, records/s", lambda m: _number(median(m.half_rates))),
        ("  answer, p50, ms", lambda m: _number(_percentile(m.half_latencies, 50) * 1_000)),
        ("  answer, p99, ms", lambda m: _number(_percentile(m.half_latencies, 99) * 1_000)),
        ("memory at rest, MB: PSS (RSS)", lambda m: str(m.resting)),
        ("memory under load, MB: PSS (RSS)", lambda m: str(m.loaded)),
        ("processor of the server, µs a record", lambda m: micro(m.server_costs)),
        ("processor of the database, µs a record", lambda m: micro(m.database_costs)),
        ("the database's own limit, records/s", lambda m: _number(median(m.limits))),
        ("  slowest and fastest round", lambda m: _ends(m.limits)),
        ("ratio", lambda m: f"{median(m.rates) / median(m.limits):.2f}"),
        ("records acknowledged", lambda m: _number(m.acknowledged)),
        ("records in the database", lambda m: _number(m.stored)),
        ("records refused or unanswered", lambda m: _number(m.refused)),
    ]
    rows = [[name, *(tell(found) for found in results.values())] for name, tell in lines]
    table.show(["", *results], rows)


def _show_start_times(makes: dict[str, Make]) -> None:
    times = {name: start_times(make) for name, make in makes.items()}
    rows = [
        ["first start, s", *(f"{first:.2f}" for first, _ in times.values())],
        ["second start, s", *(f"{second:.2f}" for _, second in times.values())],
    ]
    print()
    table.show(["", *times], rows)


def median(values: Sequence[float]) -> float:
    """The median, 0 of nothing."""
    return statistics.median(values) if values else 0.0


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _ends(values: Sequence[float]) -> str:
    return f"{_number(min(values))} to {_number(max(values))}" if values else "-"


def micro(seconds: Sequence[float]) -> str:
    """The median of seconds in microseconds, as text."""
    return _number(median(seconds) * MICROSECONDS) if seconds else "-"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
