"""How fast records come out, and whether memory stays the same however many there are.

`python -m bench.exporting` stores a month of records on each database, then exports all of them as
people do: from the database and from a server, to each format. For each it prints the records a
second, the bytes, the most memory that the command and the server held, and the curve of it: the
most that the command held in each tenth of its time. It ends with 1 where a process held more than
is allowed, or where records are missing.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import databases, stored_records, table
from bench.databases import Database, Make
from bench.processes import SAMPLE_SECONDS, Tree
from tests.journeys.serving import OURS, PROGRAMS, Server, serving

MEGABYTE = 1_000_000
RESIDENT_MOST = 200 * MEGABYTE
"""What one process may hold, with ten million records as with ten."""

TENTHS = 10
FORMATS = ("ndjson", "ndjson.zst", "csv", "csv.gz", "parquet")


@dataclass(frozen=True)
class Run:
    """One export."""

    name: str
    seconds: float
    size: int
    held: list[int]
    """Bytes that the command held, again and again."""
    served: int
    """The most that a process of the server held; 0 without one."""
    whole: bool


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where memory grew or records are missing."""
    asked = _parser().parse_args(arguments)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for make in databases.chosen(asked.only, Path(folder), asked.postgresql_url).values():
            failed |= not _measure(make, asked.records, asked.formats)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.exporting", description=__doc__)
    parser.add_argument("--records", type=int, default=300_000, help="in all (default: 300000)")
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=["ndjson.zst", "parquet"],
        help="as files end (default: ndjson.zst parquet)",
    )
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    return parser


def _measure(make: Make, count: int, formats: Sequence[str]) -> bool:
    with make() as database, tempfile.TemporaryDirectory() as folder:
        instance = Path(folder)
        print(f"\n{database.facts}")
        # The first start makes the tables.
        with serving(database.address, instance):
            pass
        began = time.monotonic()
        stored_records.fill(database.address, count)
        print(f"{database.count():,} records stored in {time.monotonic() - began:,.0f} s")
        with serving(database.address, instance) as server:
            runs = [
                _export(database, server, instance, form, count, by_server=by_server)
                for by_server, form in itertools.product((False, True), formats)
            ]
    _show(runs, count)
    most = max(max(*run.held, run.served) for run in runs)
    print(f"most that one process held: {most / MEGABYTE:,.0f} MB of {RESIDENT_MOST // MEGABYTE}")
    return most <= RESIDENT_MOST and all(run.whole for run in runs)


def _export(
    database: Database, server: Server, folder: Path, form: str, count: int, *, by_server: bool
) -> Run:
    output = folder / f"{'server' if by_server else 'database'}.{form}"
    environment = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    source = ["--server", server.address] if by_server else ["--database", database.address]
    began = time.monotonic()
    command = subprocess.Popen(
        [PROGRAMS / "agentlogger", "export", output, *source],
        env=environment | {"AGENTLOGGER_INSTANCE": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
    )
    held, served = [], 0
    trees = Tree(command.pid), Tree(server.pid)
    while command.poll() is None:
        held.append(trees[0].memory().resident)
        served = max(served, trees[1].largest()) if by_server else 0
        time.sleep(SAMPLE_SECONDS)
    seconds = time.monotonic() - began
    said = command.stderr.read() if command.stderr else ""
    whole = command.returncode == 0 and f"{count:,} records" in said
    if not whole:
        print(said)
    files = output.iterdir() if output.is_dir() else [output]
    size = sum(file.stat().st_size for file in files)
    name = f"{form}, from {'the server' if by_server else 'the database'}"
    return Run(name, seconds, size, held, served, whole)


def _show(runs: Sequence[Run], count: int) -> None:
    rows = [
        [
            run.name,
            f"{run.seconds:,.1f}",
            f"{count / run.seconds:,.0f}",
            f"{run.size / MEGABYTE:,.0f}",
            f"{max(run.held) / MEGABYTE:,.0f}",
            " ".join(f"{held / MEGABYTE:,.0f}" for held in _by_tenths(run.held)),
            f"{run.served / MEGABYTE:,.0f}" if run.served else "",
        ]
        for run in runs
    ]
    head = ["export", "seconds", "records a second", "MB", "held, MB", "held by tenths, MB",
            "server's worker, MB"]  # fmt: skip
    table.show(head, rows)


def _by_tenths(held: Sequence[int]) -> list[int]:
    """The most of each tenth of what was looked at; of few looks each as it is."""
    parts = min(TENTHS, len(held))
    ends = [len(held) * part // parts for part in range(parts + 1)]
    return [max(held[first:end]) for first, end in itertools.pairwise(ends)]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
