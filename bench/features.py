"""What each part of the way of a record costs: `python -m bench.features`, a row for each.

A server is started with nothing but decoding and storing, then with one part more each time, up to
all of them, which is what people run. In each round all of them take their turn, beside what the
database takes by itself, so that a busy machine is busy for all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import databases, ingest, table
from bench.databases import Make
from bench.ingest import Measured
from bench.processes import Tree

SWITCHING = Path(__file__).with_name("switching")
PARTS = {
    "redaction": "redaction",
    "readers": "readers, tokens, cost",
    "calls": "ledger of calls",
    "identities": "identities of records",
    "digests": "digests of requests",
}
"""Each a function in `switching`, in the order in which they are switched on."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print; return 1 where an acknowledged record is missing in a database."""
    asked = _parser().parse_args(arguments)
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in databases.chosen(asked.only, Path(folder), asked.postgresql_url).items():
            print(f"{name}, medians of {asked.rounds} rounds of {asked.seconds:g} s")
            rows = _rows(make, asked)
            table.show(["", "records/s", "ratio", "server, µs", "database, µs"], rows[0])
            lost += rows[1]
    return 1 if lost else 0


def _parser() -> argparse.ArgumentParser:
    parser = ingest.parser("bench.features", __doc__)
    parser.set_defaults(seconds=5.0)
    return parser


def _rows(make: Make, asked: argparse.Namespace) -> tuple[list[list[str]], int]:
    """A line for each server, and how many acknowledged records were not found."""
    names = list(PARTS)
    measured = {count: Measured("") for count in range(len(names) + 1)}
    for _ in range(asked.rounds):
        for count, found in measured.items():
            _measure(make, asked, " ".join(names[count:]), found)
    limits = [limit for found in measured.values() for limit in found.limits]
    limit = ingest.median(limits)
    rows = []
    for count, found in measured.items():
        label = f"+ {PARTS[names[count - 1]]}" if count else "decoding and storing alone"
        rate = ingest.median(found.rates)
        costs = [ingest.micro(found.server_costs), ingest.micro(found.database_costs)]
        rows.append([label, f"{rate:,.0f}", f"{rate / limit:.2f}", *costs])
    rows.append(["the database by itself", f"{limit:,.0f}", "1", "-", "-"])
    return rows, sum(found.acknowledged - found.stored for found in measured.values())


def _measure(make: Make, asked: argparse.Namespace, without: str, found: Measured) -> None:
    """A round of a server that lacks these parts, on a database of its own."""
    settings = {"PYTHONPATH": str(SWITCHING), "BENCH_WITHOUT": without}
    with ingest.serving_clients(make, asked, settings) as (database, server, clients):
        clients.send_for(ingest.WARM_UP_SECONDS)
        ingest.measure_round(found, database, Tree(server.pid), clients, asked.seconds)
        found.limits.append(database.own_limit())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
