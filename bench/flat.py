"""Whether a record costs as much after ten million others as the first, and memory stays.

`python -m bench.flat` starts the server on each database as people do, sends so many records by
OTLP, and prints a line for each twentieth of them: what a record took of processors, in the server
and in the database, and how much memory both have. It ends with 1 where acknowledged records are
missing, or where the last quarter of the way costs or holds more than the second by more than is
allowed; the first is left out, since caches fill and partitions are made there.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import databases, table
from bench.clients import Clients, connected
from bench.databases import Make
from bench.processes import Tree
from tests.journeys.serving import serving

STEPS = 20
STEP_SECONDS = 1.0
"""Clients are told to send for so long, again and again, until a step is full."""
MEGABYTE = 1_000_000
MICROSECONDS = 1_000_000
COST_GROWTH = 1.25
MEMORY_GROWTH = 1.10
"""What the last quarter may cost and hold, as a multiple of the second: figures of a machine that
does other things, too, differ by as much."""


@dataclass(frozen=True)
class Step:
    """What was measured over one part of the way."""

    records: int
    """Acknowledged since the beginning."""
    rate: float
    """Records a second."""
    cost: float
    """Seconds on a processor a record, of the server."""
    database_cost: float
    """Likewise of the database, where it has processes of its own."""
    memory: int
    """Bytes that the server and its workers hold at the end of the step."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print the curves, and return 1 where one rises or a record is missing."""
    asked = _parser().parse_args(arguments)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for make in databases.chosen(asked.only, Path(folder), asked.postgresql_url).values():
            failed |= not _climb(make, asked)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.flat", description=__doc__)
    parser.add_argument(
        "--records", type=int, default=10_000_000, help="in all (default: 10000000)"
    )
    parser.add_argument("--connections", type=int, default=8, help="clients (default: 8)")
    parser.add_argument("--a-request", type=int, default=512, help="records (default: 512)")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    return parser


def _climb(make: Make, asked: argparse.Namespace) -> bool:
    """Send all records to one database, print the way, and say whether it was flat and whole."""
    with (
        make() as database,
        tempfile.TemporaryDirectory() as instance,
        serving(database.address, Path(instance)) as server,
        connected(server.port, connections=asked.connections, records=asked.a_request) as clients,
    ):
        print(f"\n{database.facts}")
        steps: list[Step] = []
        for number in range(STEPS):
            goal = asked.records * (number + 1) // STEPS
            before = steps[-1].records if steps else 0
            steps.append(_step(Tree(server.pid), database.tree(), clients, before, goal))
        stored = database.count()
    _show(steps)
    acknowledged = steps[-1].records
    print(f"{acknowledged:,} records acknowledged, {stored:,} in the database")
    cost = _growth([step.cost + step.database_cost for step in steps])
    memory = _growth([float(step.memory) for step in steps])
    print(f"last quarter against the second: cost {cost:.2f}, memory {memory:.2f}")
    return stored >= acknowledged and cost <= COST_GROWTH and memory <= MEMORY_GROWTH


def _step(tree: Tree, beside: Tree | None, clients: Clients, before: int, goal: int) -> Step:
    began = tree.processor_seconds(), beside.processor_seconds() if beside else 0.0
    added, seconds = 0, 0.0
    while before + added < goal:
        sent = clients.send_for(STEP_SECONDS)
        if not sent.acknowledged:
            raise RuntimeError("The server acknowledges nothing any more.")
        added += sent.acknowledged
        seconds += sent.seconds
    ended = tree.processor_seconds(), beside.processor_seconds() if beside else 0.0
    return Step(
        before + added,
        added / max(seconds, STEP_SECONDS),
        (ended[0] - began[0]) / max(added, 1),
        (ended[1] - began[1]) / max(added, 1),
        tree.memory().resident,
    )


def _growth(values: Sequence[float]) -> float:
    """The median of the last quarter as a multiple of that of the second."""
    quarter = len(values) // 4
    second = statistics.median(values[quarter : 2 * quarter])
    return statistics.median(values[-quarter:]) / second


def _show(steps: Sequence[Step]) -> None:
    most = max(step.cost + step.database_cost for step in steps)
    rows = [
        [
            f"{step.records:,}",
            f"{step.rate:,.0f}",
            f"{step.cost * MICROSECONDS:,.0f}",
            f"{step.database_cost * MICROSECONDS:,.0f}",
            f"{step.memory / MEGABYTE:,.0f}",
            "#" * round(40 * (step.cost + step.database_cost) / most),
        ]
        for step in steps
    ]
    head = ["records", "a second", "server, µs", "database, µs", "memory, MB", "cost of a record"]
    table.show(head, rows)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
