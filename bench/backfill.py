"""What clients wait for while a column of a million rows is filled, in one way and in another.

`python -m bench.backfill` makes a table of users on PostgreSQL, lets clients read and update single
rows of it, and fills `full_name` in both ways, in turn: as an UPDATE in the revision that adds the
column, and by `op.backfill` in its place, worked off with what `flask db backfill run` does. The
longest wait of any client counts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Event as Stop

import psycopg2
from sqlalchemy.engine import make_url

from bench import databases, table
from tests.migrations.project import Project

ROWS = 1_000_000
ROUNDS = 3
CLIENTS = 4
"""Half of them read, half of them update."""
PAUSE_SECONDS = 0.002
BEFORE_SECONDS = 1.0
"""Of quiet, so that clients are connected and the first waits are those of the table at rest."""

USERS = """
op.create_table(
    "users",
    sa.Column("id", sa.BigInteger(), primary_key=True),
    sa.Column("first_name", sa.Text()),
    sa.Column("last_name", sa.Text()),
)
"""
ROWS_OF_USERS = (
    "INSERT INTO users SELECT g, md5(g::text), md5((g * 2)::text) FROM generate_series(1, %s) AS g"
)
ADDS = 'op.add_column("users", sa.Column("full_name", sa.Text()))\n'
WHOLE = "UPDATE users SET full_name = first_name || ' ' || last_name"
WAYS = {
    "UPDATE in the revision": f"{ADDS}op.execute({WHOLE!r})",
    "op.backfill": (
        f'{ADDS}op.backfill("users", set={{"full_name": "first_name || \' \' || last_name"}},'
        ' where="full_name IS NULL")'
    ),
}
READ = "SELECT first_name FROM users WHERE id = %s"
WRITE = "UPDATE users SET last_name = last_name WHERE id = %s"
LEFT = "SELECT count(*) FROM users WHERE full_name IS DISTINCT FROM first_name || ' ' || last_name"


@dataclass(frozen=True)
class Measured:
    """One way, once."""

    seconds: float
    """Until the last row was filled."""
    waits: list[float]
    """Of all clients, in seconds."""
    left: int
    """Rows without their full name."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where a row was left."""
    parser = argparse.ArgumentParser(prog="bench.backfill", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--postgresql-url", help="another server than one of our own")
    asked = parser.parse_args(arguments)
    measured: dict[str, list[Measured]] = {way: [] for way in WAYS}
    facts = ""
    for _ in range(asked.rounds):
        for way, up in WAYS.items():
            with databases.postgresql(asked.postgresql_url) as database:
                facts = database.facts
                measured[way].append(_measure(database.address, up, asked.rows))
    print(f"{facts}\n{asked.rows:,} rows, {CLIENTS} clients, medians of {asked.rounds} rounds\n")
    table.show(
        ["", "filled in", "worst wait", "of these rounds", "99.9 %", "waits over 1 s", "asked"],
        [[way, *_figures(rounds)] for way, rounds in measured.items()],
    )
    return int(any(one.left for rounds in measured.values() for one in rounds))


def _figures(rounds: Sequence[Measured]) -> list[str]:
    worst = [max(one.waits) for one in rounds]
    nearly = [sorted(one.waits)[int(len(one.waits) * 0.999)] for one in rounds]
    return [
        f"{statistics.median(one.seconds for one in rounds):.1f} s",
        f"{statistics.median(worst):.3f} s",
        f"{min(worst):.3f} to {max(worst):.3f} s",
        f"{statistics.median(nearly) * 1000:.0f} ms",
        f"{sum(wait > 1 for one in rounds for wait in one.waits)}",
        f"{statistics.median(len(one.waits) for one in rounds):,.0f}",
    ]


def _measure(address: str, up: str, rows: int) -> Measured:
    url = make_url(address).set(drivername="postgresql+psycopg2")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project", url)
        project.add("aaa111", None, USERS)
        project.upgrade("aaa111")
        with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(ROWS_OF_USERS, (rows,))
            cursor.execute("VACUUM ANALYZE users")
            cursor.execute("CHECKPOINT")
        project.add("bbb222", "aaa111", up)
        with _clients(address, rows) as ended:
            time.sleep(BEFORE_SECONDS)
            begun = time.monotonic()
            project.upgrade()
            with project.at_work(), project.app.app_context():
                project.migrations.backfill(Stop())
            seconds = time.monotonic() - begun
        (left,) = project.rows(LEFT)
        return Measured(seconds, ended, int(left))


@contextmanager
def _clients(address: str, rows: int) -> Iterator[list[float]]:
    """Clients at work for the length of a block; the list has all their waits afterwards."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    waits: list[float] = []
    pipes, processes = [], []
    for number in range(CLIENTS):
        ours, theirs = context.Pipe()
        statement = WRITE if number % 2 else READ
        made = context.Process(target=_ask, args=(address, statement, rows, stop, theirs))
        made.start()
        pipes.append(ours)
        processes.append(made)
    for pipe in pipes:
        pipe.recv()
    try:
        yield waits
    finally:
        stop.set()
        for pipe in pipes:
            waits += pipe.recv()
        for made in processes:
            made.join()


def _ask(address: str, statement: str, rows: int, stop: Event, pipe: Connection) -> None:
    """Ask for one row after the other until it is time to stop, and tell how long each took."""
    waits = []
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        pipe.send("ready")
        while not stop.is_set():
            begun = time.monotonic()
            cursor.execute(statement, (random.randint(1, rows),))
            waits.append(time.monotonic() - begun)
            time.sleep(PAUSE_SECONDS)
    pipe.send(waits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
