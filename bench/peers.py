"""How many spans a second are stored, beside MLflow and Phoenix on the same PostgreSQL.

`python -m bench.peers` installs both from PyPI into environments of their own, starts each as its
documentation says, and sends the same spans to all three in turn: rows in the database count, and
not answers, since a server may answer before it stores. Everything is bounded and ends by itself.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import psycopg2

from bench import table
from bench.peer_servers import Peer, choosing, of_each
from bench.processes import Memory, Tree
from bench.span_requests import Sent, send_for

NOTHING = Memory(0, 0)
LATER_SECONDS = 60.0
"""How long rows are waited for after the last answers, over all rounds of a size: what a server
stores later is told apart."""
SPANS = (10, 512)
"""In a request: what an agent makes in the five seconds after which an SDK sends, and the SDK's
`max_export_batch_size`, which is what it sends where there is more."""
TIMES = {"MLflow": 30, "Phoenix": 150}
"""How many times as much as these ours should store."""


@dataclass
class Measured:
    """What one server did, round by round."""

    cold_start: float
    stored: list[float] = field(default_factory=list)
    """Spans a second in the database when the clients ended."""
    acknowledged: list[float] = field(default_factory=list)
    late: int = 0
    """Spans that came into the database after the clients had ended."""
    missing: int = 0
    """Acknowledged spans that were not there even then."""
    latencies: list[float] = field(default_factory=list)
    memory: Memory = NOTHING
    patience: float = LATER_SECONDS
    """For how much longer rows are waited for."""


Sizes = dict[int, Measured]
"""What one server did, by how many spans a request had."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where ours does not store as many times as much as it should."""
    asked = _parser().parse_args(arguments)
    print(f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}")
    results = of_each(asked, lambda peer, address: _measure(peer, address, asked))
    _show(results)
    return _verdict(results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="of a round (default: 15)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3; medians are printed")
    parser.add_argument("--connections", type=int, default=4, help="clients (default: 4)")
    told = "a request, for each size (default: 10 512)"
    parser.add_argument("--spans", type=int, nargs="+", default=SPANS, help=told)
    choosing(parser)
    return parser


def _measure(peer: Peer, address: str, asked: argparse.Namespace) -> Sizes:
    with (
        tempfile.TemporaryDirectory() as folder,
        peer.serving(address, Path(folder)) as running,
        multiprocessing.get_context("spawn").Pool(asked.connections) as pool,
    ):
        sizes: Sizes = {}
        tree = Tree(running.pid)
        for spans in asked.spans:
            measured = sizes[spans] = Measured(running.seconds_to_ready)
            with tree.watched() as samples:
                for number in range(asked.rounds):
                    seed = (spans * asked.rounds + number) * 1_000
                    told = [
                        (running.port, peer.headers, asked.seconds, spans, seed + each)
                        for each in range(asked.connections)
                    ]
                    _send(measured, asked.seconds, partial(_count, address, peer.table), pool, told)
            measured.memory = max(samples)
        return sizes


def _send(
    measured: Measured,
    seconds: float,
    count: Callable[[], int],
    pool: Pool,
    told: Sequence[tuple[Any, ...]],
) -> None:
    """Have one round sent, and note what became of it."""
    before = count()
    sent: list[Sent] = pool.starmap(send_for, told)
    measured.stored.append((count() - before) / seconds)
    _note(measured, sent, seconds, lambda: count() - before)


def _note(
    measured: Measured, sent: Sequence[Sent], seconds: float, found: Callable[[], int]
) -> None:
    """Note what was answered, and what came into the database by then and after it."""
    acknowledged = sum(one.acknowledged for one in sent)
    measured.acknowledged.append(acknowledged / seconds)
    for one in sent:
        measured.latencies += one.latencies
    stored = now = found()
    begun = time.monotonic()
    while now < acknowledged and time.monotonic() - begun < measured.patience:
        time.sleep(1)
        now = found()
    measured.patience -= time.monotonic() - begun
    measured.late += now - stored
    measured.missing += max(0, acknowledged - now)


def _count(address: str, name: str) -> int:
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608  (a constant)
        (count,) = cursor.fetchone() or (0,)
        return int(count)


def _show(results: dict[str, Sizes]) -> None:
    columns = {
        f"{name}, {spans} a request": measured
        for name, sizes in results.items()
        for spans, measured in sizes.items()
    }
    lines = {
        "spans/s in the database, median": lambda m: f"{statistics.median(m.stored):,.0f}",
        "  slowest and fastest round": lambda m: f"{min(m.stored):,.0f} to {max(m.stored):,.0f}",
        "spans/s acknowledged, median": lambda m: f"{statistics.median(m.acknowledged):,.0f}",
        f"stored up to {LATER_SECONDS:.0f} s later": lambda m: f"{m.late:,}",
        "acknowledged, and not there then": lambda m: f"{m.missing:,}",
        "answer, p50, ms": lambda m: _milliseconds(m.latencies, 50),
        "answer, p99, ms": lambda m: _milliseconds(m.latencies, 99),
        "memory of all processes, MB: PSS (RSS)": lambda m: str(m.memory),
        "cold start, s": lambda m: f"{m.cold_start:.1f}",
    }
    print()
    rows = [[name, *(tell(one) for one in columns.values())] for name, tell in lines.items()]
    table.show(["", *columns], rows)


def _milliseconds(values: Sequence[float], percent: int) -> str:
    ordered = sorted(values)
    if not ordered:
        return "-"
    return f"{ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1_000:,.0f}"


def _verdict(results: dict[str, Sizes]) -> int:
    missed = 0
    for spans, measured in results.get("AgentLogger", {}).items():
        ours = statistics.median(measured.stored)
        for name, times in TIMES.items():
            if name in results:
                factor = ours / max(statistics.median(results[name][spans].stored), 0.1)
                print(
                    f"With {spans} a request ours stores {factor:,.0f} times as many as {name} "
                    f"(at least {times})."
                )
                missed += factor < times
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
