"""What clients wait for while the table of records changes, as stock Alembic does it and as ours.

`python -m bench.online_migration` fills `log_records` on a PostgreSQL of its own, and makes one
model change on two copies of that database: an index, a unique constraint, a NOT NULL column with
its values, a foreign key, and a column that goes. Meanwhile clients send and read through the
server as people start it. One copy is changed by a revision as stock Alembic writes and applies it,
the other by the files that `flask db migrate` writes of the same models. The longest wait of any
client counts, beside what the clients wait without a migration, in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from bench import databases, filled_records, minimal_projects, model_change, table
from bench.commands import Ended, Project, revision_of, run
from bench.databases import PostgreSQL
from bench.paced_clients import Asked, Recorded, pacing
from bench.statements import Moment, Watched, watching
from tests.journeys.serving import serving

RECORDS = 5_000_000
CLIENTS = 8
PAUSE_SECONDS = 0.1
BATCH = 20
QUIET_SECONDS = 20.0
"""How long clients are watched before the migration: what they wait for without one."""
AFTER_SECONDS = 3.0
WORST_MOST = 0.25
TIMES_MOST = 3.0
SHOWN_WAIT = 0.1
SHOWN_MOST = 10
ROUNDS_MOST = 5
UNFINISHED = 35
"""The exit code of an upgrade that waits for a backfill."""


@dataclass(frozen=True)
class Measured:
    """One way."""

    way: str
    quiet: list[Asked]
    during: list[Asked]
    commands: list[Ended]
    moments: list[Moment]
    block: tuple[float, str]
    """How long anybody waited for a lock of the migration, and of which statement."""

    @property
    def seconds(self) -> float:
        """Of all commands."""
        return sum(one.seconds for one in self.commands)

    @property
    def worst(self) -> float:
        """The longest wait of a client."""
        return max(one.seconds for one in self.during)

    @property
    def failed(self) -> int:
        """Requests without success."""
        return sum(not one.is_ok for one in self.during)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where ours keeps a client waiting for too long, or fails one."""
    asked = _parser().parse_args(arguments)
    print(f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}")
    with databases.postgresql(asked.postgresql_url) as base, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        size = _prepare(base, folder, asked.records)
        print(
            f"{base.facts}\n{asked.records:,} records in {filled_records.DAYS} days,"
            f" {size / 10**9:.1f} GB with indexes; {CLIENTS} clients, each {asked.pause * 1000:.0f}"
            f" ms after its last answer, half of them sending {BATCH} records and half reading 20",
            flush=True,
        )
        measured = []
        for way, make in (("stock Alembic", _by_stock), ("ours", _by_ours)):
            if asked.only in {None, way.split()[-1].lower()}:
                with _copy(base) as address:
                    commands = make(folder / way.split()[0], address)
                    measured.append(_measure(way, address, folder, commands, asked))
                    _show_waits(measured[-1])
    _show(measured)
    return _verdict(measured)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.online_migration", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help=f"default: {RECORDS:,}")
    parser.add_argument("--pause", type=float, default=PAUSE_SECONDS, help="of a client, in s")
    parser.add_argument("--quiet", type=float, default=QUIET_SECONDS, help="s without a migration")
    parser.add_argument("--only", choices=["alembic", "ours"], help="one of the two ways")
    parser.add_argument(
        "--postgresql-url", help="a server to make databases on; else one is started for this"
    )
    return parser


def _prepare(base: PostgreSQL, folder: Path, records: int) -> int:
    """Make the database that both ways begin with; return its size in bytes."""
    run(_changed_tree(folder / "base", base.address), "flask", "db", "upgrade")
    # The server makes the project that everything belongs to.
    with serving(base.address, folder / "instance"):
        pass
    return filled_records.fill(base.address, records)


def _changed_tree(folder: Path, address: str) -> Project:
    """A copy of this tree with the revision that has left a column behind."""
    folder.mkdir()
    model_change.copy_with_left_over(folder, revision_of(minimal_projects.ROOT))
    told = {
        "DATABASE_URL": address,
        "AGENTLOGGER_INSTANCE": str(folder / "instance"),
        "SECRET_KEY": "a key of the benchmark",
        "PYTHONPATH": str(folder),
    }
    return Project(folder, minimal_projects.BIN, told)


@contextmanager
def _copy(base: PostgreSQL) -> Iterator[str]:
    """A copy of the database, gone afterwards."""
    url = make_url(base.address)
    name = f"{url.database}_copy"
    server = url.set(database="postgres").render_as_string(hide_password=False)
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {url.database}")
        cursor.execute("CHECKPOINT")
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _by_stock(folder: Path, address: str) -> Iterator[Ended]:
    folder.mkdir()
    project = minimal_projects.alembic(folder, address)
    versions = folder / "migrations" / "versions"
    model_change.add_left_over(versions, revision_of(minimal_projects.ROOT))
    model_change.add_stock(versions)
    return (run(project, *words) for words in [("alembic", "upgrade", "head")])


def _by_ours(folder: Path, address: str) -> Iterator[Ended]:
    project = _changed_tree(folder, address)
    model_change.change_models(folder)
    written = run(
        project, "flask", "db", "migrate", "-m", model_change.MESSAGE,
        "-x", "allow-drop=log_records.old_note",
        "-x", f"backfill=log_records.weight={model_change.WEIGHT}",
    )  # fmt: skip
    print("\n".join(line for line in written.said.splitlines() if line.startswith("Revision ")))
    return _upgrading(project)


def _upgrading(project: Project) -> Iterator[Ended]:
    for _ in range(ROUNDS_MOST):
        # The program that serves does not use what goes.
        upgraded = run(
            project, "flask", "db", "upgrade", "-x", "allow-contract=yes", codes={0, UNFINISHED}
        )
        yield upgraded
        if upgraded.code == 0:
            return
        yield run(project, "flask", "db", "backfill", "run")
    raise AssertionError(f"The backfill was not finished in {ROUNDS_MOST} rounds.")


def _measure(
    way: str, address: str, folder: Path, commands: Iterator[Ended], asked: argparse.Namespace
) -> Measured:
    settings = {"AGENTLOGGER_BACKFILLS": "off"}
    with (
        serving(address, folder / "instance", settings=settings) as server,
        pacing(server.port, clients=CLIENTS, pause=asked.pause, records=BATCH) as recorded,
    ):
        time.sleep(2)  # Caches and pools are filled.
        quiet = time.monotonic()
        time.sleep(asked.quiet)
        begun = time.monotonic()
        with watching(address) as watched:
            ended = list(commands)
        time.sleep(AFTER_SECONDS)
        end = time.monotonic()
    _check(way, address)
    return _measured(way, recorded, watched, ended, (quiet, begun, end))


def _check(way: str, address: str) -> None:
    """Fail where a row has not the value that the change gives it: what does nothing is fast."""
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM log_records WHERE weight IS DISTINCT FROM {model_change.WEIGHT}"  # noqa: S608  (ours)
            # What clients send meanwhile has the default: the program that stores it knows no more.
            f" AND {filled_records.IS_OURS}"
        )
        (wrong,) = cursor.fetchone() or (0,)
    assert not wrong, f"{way}: {wrong} records have another weight than they should"


def _measured(
    way: str,
    recorded: Recorded,
    watched: Watched,
    ended: list[Ended],
    moments: tuple[float, float, float],
) -> Measured:
    quiet, begun, end = moments
    return Measured(
        way,
        [one for one in recorded.between(quiet, begun) if one.begun + one.seconds < begun],
        recorded.between(begun, end),
        ended,
        watched.beside(recorded.between(begun, end), SHOWN_WAIT),
        watched.longest_block(),
    )


def _show_waits(one: Measured) -> None:
    print(f"\n{one.way}:")
    for command in one.commands:
        print(f"  {command.seconds:7.1f} s  {command.words}")
    if one.moments:
        print(f"  the longest waits over {SHOWN_WAIT * 1000:.0f} ms, and what ran then:")
    for moment in sorted(one.moments, key=lambda each: -each.wait)[:SHOWN_MOST]:
        print(f"  {moment.second:6.1f} s  {moment.wait * 1000:7.0f} ms  {moment.statement}")
    print(f"  longest seen to block: {one.block[1] or 'none'}", flush=True)


def _show(measured: Sequence[Measured]) -> None:
    rows = [
        ("total time, s", [f"{one.seconds:,.1f}" for one in measured]),
        ("requests while it ran", [f"{len(one.during):,}" for one in measured]),
        ("failed", [_failed(one) for one in measured]),
        ("worst wait, ms", [_ms(one.worst) for one in measured]),
        ("longest blocked by a lock, ms", [_ms(one.block[0]) for one in measured]),
        ("99.9 %, ms", [_ms(_percentile(one.during, 99.9)) for one in measured]),
        ("99 %, ms", [_ms(_percentile(one.during, 99)) for one in measured]),
        ("median, ms", [_ms(_percentile(one.during, 50)) for one in measured]),
        ("without: worst wait, ms", [_ms(_percentile(one.quiet, 100)) for one in measured]),
        ("without: 99 %, ms", [_ms(_percentile(one.quiet, 99)) for one in measured]),
        ("without: median, ms", [_ms(_percentile(one.quiet, 50)) for one in measured]),
    ]
    print()
    table.show(["", *(one.way for one in measured)], [[name, *cells] for name, cells in rows])


def _failed(one: Measured) -> str:
    codes = Counter(each.status for each in one.during if not each.is_ok)
    told = ", ".join(f"{count} x {status or 'no answer'}" for status, count in codes.items())
    return f"{one.failed:,}" + (f" ({told})" if told else "")


def _verdict(measured: Sequence[Measured]) -> int:
    by_way = {one.way: one for one in measured}
    ours, stock = by_way.get("ours"), by_way.get("stock Alembic")
    missed = []
    if ours is not None and ours.worst > WORST_MOST:
        missed.append(f"a client waited {ours.worst:.3f} s, and should not over {WORST_MOST} s")
    if ours is not None and ours.failed:
        missed.append(f"{ours.failed} requests failed")
    if ours is not None and stock is not None and ours.seconds > stock.seconds * TIMES_MOST:
        missed.append(
            f"it took {ours.seconds / stock.seconds:.1f} times as long as stock, not at most"
            f" {TIMES_MOST:.0f}"
        )
    for sentence in missed:
        print(f"Ours: {sentence}.")
    return 1 if missed else 0


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


def _percentile(asked: Sequence[Asked], percent: float) -> float:
    ordered = sorted(one.seconds for one in asked)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        try:
            sys.exit(main(sys.argv[1:]))
        except KeyboardInterrupt:
            sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
