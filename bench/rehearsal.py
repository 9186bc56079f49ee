"""How long a rehearsal of the whole history takes on a copy with many log records.

`python -m bench.rehearsal [--records 5000000] [--database postgresql|sqlite]` makes a database with
the real schema, ten days of records in it, and runs `flask db rehearse --all` as anybody would. It
prints the time of the copy, of each step, of everything, and the size of the report.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from bench.databases import postgresql

DAYS = 10
DAY_NS = 86_400 * 10**9
FIRST_DAY_NS = 20_000 * DAY_NS

USERS = 200

RECORD = (
    "1, {first} + (g / {each}) * {day} + (g % {each}) * 1000, g, 0, {first} + g,"
    " 'event', 9 + g % 3 * 4, 'INFO', 'sent', 'log', {body},"
    " {hex} || g, 'session ' || g / 50, 'agent ' || g % 40, 'model ' || g % 7,"
    " g % 900 * 1000000, g % 4000, g % 900, {attributes}, {resource}"
)
"""A record by its number `g`: a few hundred bytes, as those of coding agents are."""

COLUMNS = (
    "project_id, ts_ns, id, stray, received_ns, ts_source, severity_number, severity_text,"
    " severity_source, kind, body, trace_id, session_id, agent, model, duration_ns, tokens_in,"
    " tokens_out, attributes, resource"
)
ATTRIBUTES = (
    '{"gen_ai.system": "anthropic", "gen_ai.request.model": "a-model-of-today",'
    ' "event.name": "api_request", "terminal.type": "xterm-256color", "cost_usd": "0.0213"}'
)
RESOURCE = '{"service.name": "an-agent", "service.version": "1.0.42", "host.arch": "amd64"}'


def main(arguments: Sequence[str]) -> None:
    """Measure once and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.rehearsal")
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--server", help="a PostgreSQL server's URL; without it one of our own")
    parser.add_argument("--prove", action="store_true", help="write migrations/proofs/ as well")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-rehearsal-") as folder:
        place = Path(folder)
        made = _sqlite(place) if given.database == "sqlite" else _postgresql(given.server)
        with made as address:
            _flask(address, place, "upgrade")
            began = time.monotonic()
            fill = _fill_sqlite if given.database == "sqlite" else _fill_postgresql
            fill(address, given.records)
            print(f"{given.records:,} records written in {time.monotonic() - began:.0f} s")
            report = place / "rehearsal.html"
            words = ["rehearse", "--all", "--json", "--report", str(report)]
            began = time.monotonic()
            told = json.loads(_flask(address, place, *words, *(["--prove"] * given.prove)))
            _print(told, time.monotonic() - began, report.stat().st_size)


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'agentlogger.db'}"


@contextmanager
def _postgresql(named: str | None) -> Iterator[str]:
    with postgresql(named) as database:
        print(database.facts)
        yield database.address


def _flask(address: str, folder: Path, *words: str) -> str:
    settings = {
        "DATABASE_URL": address, "AGENTLOGGER_INSTANCE": str(folder), "SECRET_KEY": "of a bench"
    }  # fmt: skip
    # Its exit code tells of the revisions, and so does what it prints.
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", *words],
        env=os.environ | settings, check=words[0] == "upgrade", stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


def _fill_postgresql(address: str, records: int) -> None:
    each = max(1, records // DAYS)
    values = RECORD.format(
        first=FIRST_DAY_NS, each=each, day=DAY_NS, hex="md5(g::text)",
        body="to_jsonb('A tool was called, and this is what it said: ' || md5(g::text))",
        attributes=f"'{ATTRIBUTES}'", resource=f"'{RESOURCE}'",
    )  # fmt: skip
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        for day in range(DAYS + 1):
            begin = FIRST_DAY_NS + day * DAY_NS
            cursor.execute(
                f"CREATE TABLE log_records_{day} PARTITION OF log_records"
                f" FOR VALUES FROM (0, {begin}) TO (0, {begin + DAY_NS})"
            )
        cursor.execute(
            f"INSERT INTO log_records ({COLUMNS}) SELECT {values}"  # noqa: S608  (our own words)
            f" FROM generate_series(0, {records - 1}) AS g"
        )
        cursor.execute(
            "INSERT INTO users (id, email, is_admin, created_ns, full_name)"
            " SELECT gen_random_uuid(), 'user ' || g, false, 0, 'User ' || g"
            " FROM generate_series(1, %s) AS g",
            (USERS,),
        )
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def _fill_sqlite(address: str, records: int) -> None:
    each = max(1, records // DAYS)
    values = RECORD.format(
        first=FIRST_DAY_NS, each=each, day=DAY_NS, hex="hex(randomblob(12))",
        body="'\"A tool was called, and this is what it said: ' || hex(randomblob(16)) || '\"'",
        attributes=f"'{ATTRIBUTES}'", resource=f"'{RESOURCE}'",
    )  # fmt: skip
    counted = (
        "WITH RECURSIVE n(g) AS (SELECT 0 UNION ALL SELECT g + 1 FROM n WHERE g < ? - 1)"
    )  # fmt: skip
    with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as connection:
        connection.execute(
            f"{counted} INSERT INTO log_records ({COLUMNS}) SELECT {values} FROM n",  # noqa: S608  (our own words)
            (records,),
        )
        connection.execute(
            f"{counted} INSERT INTO users (id, email, is_admin, created_ns, full_name)"  # noqa: S608  (likewise)
            " SELECT lower(hex(randomblob(16))), 'user ' || g, 0, 0, 'User ' || g FROM n",
            (USERS,),
        )
        connection.commit()


def _print(told: dict[str, Any], seconds: float, size: int) -> None:
    print(f"{told['server']}: {told['rows']:,} rows, {told['copy']['bytes'] / 2**20:,.0f} MiB")
    print(f"{'copy':<14}{told['copy']['seconds']:>10.1f} s   {told['copy']['how']}")
    for one in told["revisions"]:
        steps = ", ".join(f"{step['direction']} {step['ms']:,.0f} ms" for step in one["steps"])
        print(f"{one['revision']:<14}{one['verdict']}: {steps}")
        if not one["as_declared"]:
            print(f"{'':<14}{one['sentence']}")
    print(f"{'everything':<14}{seconds:>10.1f} s   as declared: {told['as_declared']}")
    print(f"{'report':<14}{size / 1024:>10.1f} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
