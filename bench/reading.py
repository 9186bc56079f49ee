"""How long reads take on a month of records, through HTTP and by SQL alone.

`python -m bench.reading` fills each database with a month of records, starts the server, and asks
for what people ask: newest records, filters, one session, histogram, facets, numbers, words, a page
a thousand pages deep. Each figure is the median of warm rounds, with the same by SQL that was
written by hand in turn beside it, on one connection that stays open. With as many records as the
project promises it for they are `--records 10000000 --only postgresql` and `--records 2000000
--only sqlite`; with
`--database` the records of a database that stands are read, and none are written.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

from bench import databases, stored_records, table
from bench.databases import Database, Make
from bench.stored_records import DAY_NS, RARE_WORD
from tests.journeys.serving import HOST, serving

RECORDS = {"SQLite": 200_000, "PostgreSQL": 1_000_000}
ROUNDS = 15
WARM_UP = 2
"""Rounds that are not counted."""
FIGURE_SECONDS = 60
"""What takes long is asked less often."""
PAGE = 50
DEEP = 1_000
"""Pages of 50 behind which a page is asked for, where there are so many."""
STEP = 1_000
"""Records of the pages by which one gets there."""

Ask = Callable[[], None]


@dataclass(frozen=True)
class Figure:
    """Something that is asked for, and what it may take at ten or two million records."""

    name: str
    most_ms: int | None
    path: str
    sql: str | None = None


FACETED = ("severity_number", "kind", "agent", "model", "tool", "user_id", "session_id")
NEWEST = "ORDER BY ts_ns DESC, id DESC LIMIT"
MINE = "FROM log_records WHERE project_id = {project} AND stray = 0"
DAY = f"{MINE} AND ts_ns >= {{day_ns}}"
CALLS = "FROM model_calls WHERE project_id = {project} AND ts_ns >= {day_ns}"
VALUES = " UNION ALL ".join(
    f"SELECT {place}, CAST({name} AS TEXT), count(*) FROM newest GROUP BY {name}"  # noqa: S608
    for place, name in enumerate(FACETED)
)


def figures(session: str, deep: int, cursor: str, place: tuple[int, int]) -> list[Figure]:
    """What is asked for; the cursor and the place are those of so many pages."""
    behind = f"ts_ns <= {place[0]} AND (ts_ns < {place[0]} OR id < {place[1]})"
    return [
        Figure("newest 50", 10, "logs?limit=50", f"SELECT * {MINE} {NEWEST} {PAGE}"),
        Figure(
            "filter: tool and level",
            25,
            "logs?limit=50&q=tool:bash%20level:>=info",
            f"SELECT * {MINE} AND lower(tool) = 'bash' AND severity_number >= 9 {NEWEST} {PAGE}",
        ),
        Figure(
            "filter: errors",
            25,
            "logs?limit=50&q=level:>=error",
            f"SELECT * {MINE} AND severity_number >= 17 {NEWEST} {PAGE}",
        ),
        Figure(
            "one session as a story",
            50,
            f"sessions/{session}",
            f"SELECT * {MINE} AND session_id = '{session}' ORDER BY ts_ns, id",
        ),
        Figure(
            "histogram of 24 h",
            150,
            "histogram?from=-24h",
            f"SELECT ts_ns / {900 * 10**9}, severity_number, count(*) {DAY} GROUP BY 1, 2",
        ),
        Figure(
            "facets over 24 h",
            200,
            "facets?from=-24h",
            f"WITH newest AS MATERIALIZED (SELECT {', '.join(FACETED)} {DAY} {NEWEST} 20000)"
            f" {VALUES}",
        ),
        Figure(
            "numbers of 24 h by model",
            None,
            "numbers?from=-24h",
            "SELECT model, count(*), sum(tokens_in), sum(tokens_out), sum(cost_micro_usd)"
            f" {CALLS} GROUP BY 1",
        ),
        Figure("numbers of 24 h by tool", None, "numbers?from=-24h&by=tool"),
        Figure("a rare word over 24 h", 100, f"logs?limit=50&from=-24h&q={RARE_WORD}"),
        Figure("a rare word over all", 500, f"logs?limit=50&q={RARE_WORD}"),
        Figure(
            f"page {deep:,}",
            10,
            f"logs?limit=50&cursor={cursor}",
            f"SELECT * {MINE} AND {behind} {NEWEST} {PAGE}",
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    print(f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}")
    if asked.database:
        _read(databases.standing(asked.database), asked.rounds)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in databases.chosen(asked.only, Path(folder), asked.postgresql_url).items():
            _measure(make, asked.records or RECORDS[name], asked.days, asked.rounds)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("--records", type=int, help="in all (default: 200000 and 1000000)")
    parser.add_argument("--days", type=int, default=stored_records.DAYS, help="they are of")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"(default: {ROUNDS})")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    parser.add_argument(
        "--database", help="the address of one that is filled already, by this benchmark or in use"
    )
    return parser


def _measure(make: Make, records: int, days: int, rounds: int) -> None:
    with make() as database, tempfile.TemporaryDirectory() as folder:
        # The first start makes the tables.
        with serving(database.address, Path(folder)):
            pass
        began = time.monotonic()
        stored_records.fill(database.address, records, days)
        print(f"\n{records:,} records of {days} days, {time.monotonic() - began:,.0f} s")
        _read(database, rounds)


def _read(database: Database, rounds: int) -> None:
    records = database.count()
    print(f"\n{database.facts}: {records:,} records")
    deep = min(DEEP, records // PAGE // 2)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(database.address, Path(folder)) as server,
        _connected(database) as connection,
        closing(http.client.HTTPConnection(HOST, server.port, timeout=600)) as client,
    ):
        _show(_rows(client, connection, rounds, deep))


def _connected(database: Database) -> AbstractContextManager[Any]:
    url = make_url(database.address)
    if url.get_backend_name() == "sqlite":
        return closing(sqlite3.connect(str(url.database)))
    connection = psycopg2.connect(database.address)
    connection.autocommit = True
    return closing(connection)


def _rows(
    client: http.client.HTTPConnection, connection: Any, rounds: int, deep: int
) -> Iterator[list[str]]:
    ids = {
        "project": _asked(connection, "SELECT min(id) FROM projects")[0][0],
        "day_ns": time.time_ns() - DAY_NS,
    }
    session = _got(client, "logs?limit=1")["items"][0]["session_id"]
    cursor = _deep(client, deep)
    statement = f"SELECT ts_ns, id {MINE} {NEWEST} 1 OFFSET {deep * PAGE - 1}"
    place = _asked(connection, statement.format(**ids))[0]
    for figure in figures(session, deep, cursor, place):
        sql = figure.sql and figure.sql.format(**ids)
        by_http, by_sql = [], []
        until = time.monotonic() + FIGURE_SECONDS
        while len(by_http) < WARM_UP + 1 or (
            len(by_http) < WARM_UP + rounds and time.monotonic() < until
        ):
            by_http.append(_milliseconds(lambda: _got(client, figure.path)))  # noqa: B023
            if sql:
                by_sql.append(_milliseconds(lambda: _asked(connection, sql)))  # noqa: B023
        medians = [statistics.median(taken[WARM_UP:]) for taken in (by_http, by_sql) if taken]
        yield [
            figure.name,
            "" if figure.most_ms is None else str(figure.most_ms),
            *(f"{median:,.1f}" for median in medians),
            *([f"{medians[0] - medians[1]:,.1f}"] if by_sql else ["", ""]),
        ]


def _deep(client: http.client.HTTPConnection, pages: int) -> str:
    """The cursor behind so many pages."""
    cursor, left = "", pages * PAGE
    while left > 0:
        path = f"logs?limit={min(left, STEP)}" + (f"&cursor={cursor}" if cursor else "")
        cursor = _got(client, path)["next_cursor"]
        left -= STEP
    return cursor


def _got(client: http.client.HTTPConnection, path: str) -> dict[str, Any]:
    client.request("GET", f"/api/v1/{path}")
    answer = client.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    return found


def _asked(connection: Any, sql: str) -> list[Any]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        found: list[Any] = cursor.fetchall()
        return found


def _milliseconds(ask: Callable[[], Any]) -> float:
    began = time.monotonic()
    ask()
    return (time.monotonic() - began) * 1_000


def _show(rows: Iterator[list[str]]) -> None:
    head = ["asked for", "at most, ms", "HTTP, ms", "SQL, ms", "more by HTTP, ms"]
    table.show(head, list(rows))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
