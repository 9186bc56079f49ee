"""How long the pages take on a month of records, by HTTP, to the first byte and to the last.

`python -m bench.pages` fills each database with a month of records, starts the server, and asks
for what a browser asks for: the stream, the stream with a filter, a run, a record, and the parts
that come after the rows. Each figure is the median of warm rounds, with the slowest beside it.
`--database URL` measures a database that stands already, at this program's newest revision, and
changes nothing of it but what a server writes beside its work. The project promises 100 ms for the
stream with ten million records: `--records 10000000 --only postgresql`.
"""

from __future__ import annotations

import argparse
import http.client
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import databases, stored_records, table
from tests.journeys.serving import HOST, serving

RECORDS = {"SQLite": 200_000, "PostgreSQL": 1_000_000}
ROUNDS = 15
WARM_UP = 2
"""Rounds that are not counted."""
FIGURE_SECONDS = 20
"""What takes long is asked less often."""
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Figure:
    """A page that is asked for, and what its last byte may take at ten million records."""

    name: str
    most_ms: int | None
    path: str


@dataclass(frozen=True)
class Taken:
    """How long an answer took, in milliseconds, and how long it is in bytes."""

    first: float
    last: float
    size: int


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    print(f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}")
    if asked.database:
        print("\nA database that stands already")
        with tempfile.TemporaryDirectory() as folder, serving(asked.database, Path(folder)) as one:
            _measure(one.port, asked.rounds)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in databases.chosen(asked.only, Path(folder), asked.postgresql_url).items():
            records = asked.records or RECORDS[name]
            with make() as database, _filled(database, records) as port:
                _measure(port, asked.rounds)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--database", help="the URL of one that stands already")
    parser.add_argument("--records", type=int, help="in all (default: 200000 and 1000000)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"(default: {ROUNDS})")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    return parser


@contextmanager
def _filled(database: databases.Database, records: int) -> Iterator[int]:
    """A server on a database of so many records: its port."""
    with tempfile.TemporaryDirectory() as folder:
        # The first start makes the tables.
        with serving(database.address, Path(folder)):
            pass
        began = time.monotonic()
        stored_records.fill(database.address, records, stored_records.DAYS)
        seconds = time.monotonic() - began
        print(f"\n{database.facts}: {database.count():,} records, filled in {seconds:,.0f} s")
        with serving(database.address, Path(folder)) as server:
            yield server.port


def _measure(port: int, rounds: int) -> None:
    with closing(http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)) as client:
        rows = [_row(client, figure, rounds) for figure in _figures(client)]
    head = ["page", "at most, ms", "first byte, ms", "last byte, ms", "slowest, ms", "kB"]
    table.show(head, rows)


def _figures(client: http.client.HTTPConnection) -> list[Figure]:
    """What is asked for: a run and a record are those of the newest row that has both."""
    text = _body(client, "/")
    record, run = _link(text, r'href="(/r/[^"]+)"'), _link(text, r'href="(/run\?session=[^"]+)"')
    return [
        Figure("stream", 100, "/"),
        Figure("stream, a filter: level", 100, "/?q=level:%3E%3Derror"),
        Figure("stream, a filter: tool and time", 100, "/?q=tool:bash&from=-24h"),
        Figure("stream, older", 100, _link(text, r'rel="next" href="([^"]+)"')),
        Figure("a run", None, run),
        Figure("a record", 100, record),
        Figure("runs", None, "/runs"),
        Figure("numbers", None, "/numbers"),
        Figure("numbers of 24 h", None, "/numbers?from=-24h"),
        Figure("ingest", None, "/ingest"),
        Figure("schema", None, "/schema"),
        Figure("behind the rows: histogram of 24 h", None, "/histogram?from=-24h"),
        Figure("behind the rows: values of 24 h", None, "/facets?from=-24h"),
        Figure("behind the rows: histogram of all", None, "/histogram"),
        Figure("behind the rows: values of all", None, "/facets"),
    ]


def _row(client: http.client.HTTPConnection, figure: Figure, rounds: int) -> list[str]:
    taken: list[Taken] = []
    until = time.monotonic() + FIGURE_SECONDS
    while len(taken) < WARM_UP + 1 or (len(taken) < WARM_UP + rounds and time.monotonic() < until):
        taken.append(_taken(client, figure.path))
    warm = taken[WARM_UP:]
    return [
        figure.name,
        "" if figure.most_ms is None else str(figure.most_ms),
        f"{statistics.median(one.first for one in warm):,.1f}",
        f"{statistics.median(one.last for one in warm):,.1f}",
        f"{max(one.last for one in warm):,.1f}",
        f"{warm[-1].size / 1_000:,.0f}",
    ]


def _taken(client: http.client.HTTPConnection, path: str) -> Taken:
    began = time.perf_counter()
    client.request("GET", path, headers={"Accept": "text/html"})
    answer = client.getresponse()
    first = time.perf_counter()
    body = answer.read()
    last = time.perf_counter()
    if answer.status != http.client.OK:
        raise SystemExit(f"{path} was answered {answer.status}: {body[:300]!r}")
    return Taken((first - began) * 1_000, (last - began) * 1_000, len(body))


def _body(client: http.client.HTTPConnection, path: str) -> str:
    client.request("GET", path, headers={"Accept": "text/html"})
    return client.getresponse().read().decode()


def _link(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit("The stream has no such link: the database has too few records.")
    return found[1].replace("&amp;", "&")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
