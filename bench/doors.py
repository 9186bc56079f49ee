"""How long the migration doors take, beside bare Alembic with the same models, and Django.

`python -m bench.doors` migrates a database of each kind and then runs each command again and again,
one after the other in turn, as people type them: a process each. There is nothing to do for any of
them. A ratio is the median of those within the rounds, so that what else the machine does meanwhile
falls on both sides.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from bench import databases, minimal_projects, table
from bench.commands import Project, run
from bench.databases import Database
from bench.minimal_projects import ROOT

ROUNDS = 15
RATIO_MOST = 1.3
"""A door may take that much longer than bare Alembic with the same models."""
MILLISECONDS = 1_000


@dataclass
class Timed:
    """A command, and how long it took in each round."""

    project: Project
    words: tuple[str, ...]
    rival: Timed | None = None
    """What it is compared with, in the same round."""
    waits: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run it once. Raises RuntimeError where it ends with anything but success."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.waits.append(run(self.project, *self.words).seconds)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        self.processor.append(user + system)

    @property
    def ratio(self) -> float | None:
        """How many times longer than its rival it took."""
        if self.rival is None:
            return None
        pairs = zip(self.waits, self.rival.waits, strict=True)
        return statistics.median(own / its for own, its in pairs)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where a door is slower than it may be."""
    asked = _parser().parse_args(arguments)
    print(f"{os.cpu_count()} processors, {platform.platform()}, Python {sys.version.split()[0]}")
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        makes: dict[str, AbstractContextManager[Database]] = {
            "sqlite": databases.sqlite(Path(folder)),
            "postgresql": databases.postgresql(asked.postgresql_url),
        }
        for name in [asked.only] if asked.only else makes:
            with makes[name] as database:
                own = Path(folder) / name
                own.mkdir()
                timed = _measure(database, own, asked.rounds)
                print(f"\n{database.facts}, {asked.rounds} rounds, medians\n")
                _show(timed)
                slow += sum((one.ratio or 0) > RATIO_MOST for one in timed)
    if slow:
        print(
            f"\n{slow} of our commands took more than {RATIO_MOST} times as long as bare Alembic."
        )
    return 1 if slow else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.doors", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default: {ROUNDS}")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    return parser


def _measure(database: Database, folder: Path, rounds: int) -> list[Timed]:
    """Run every command in each round, beginning with another one each time."""
    folders = {name: folder / name for name in ("alembic", "django", "instance")}
    for made in folders.values():
        made.mkdir()
    told = {
        "DATABASE_URL": database.address,
        "AGENTLOGGER_INSTANCE": str(folders["instance"]),
        "SECRET_KEY": "a key of the benchmark",
    }
    ours = Project(ROOT, minimal_projects.BIN, told)
    run(ours, "flask", "db", "upgrade")
    bare = minimal_projects.alembic(folders["alembic"], database.address)
    current, upgrade = (
        Timed(bare, ("alembic", "current")),
        Timed(bare, ("alembic", "upgrade", "head")),
    )
    timed = [
        current,
        Timed(ours, ("alembic", "current"), current),
        Timed(ours, ("flask", "db", "current"), current),
        Timed(ours, ("flask", "db", "status"), current),
        upgrade,
        Timed(ours, ("alembic", "upgrade", "head"), upgrade),
        Timed(ours, ("flask", "db", "upgrade"), upgrade),
        Timed(
            minimal_projects.django(folders["django"], database.address),
            ("django-admin", "showmigrations"),
        ),
    ]
    for one in timed:
        # The first run compiles what it imports.
        one.run()
        one.waits.clear()
        one.processor.clear()
    for number in range(rounds):
        first = number % len(timed)
        for one in (*timed[first:], *timed[:first]):
            one.run()
    return timed


def _show(timed: Sequence[Timed]) -> None:
    rows = [
        [
            " ".join(one.words) + ("" if one.rival else _of(one)),
            f"{statistics.median(one.waits) * MILLISECONDS:,.0f}",
            f"{min(one.waits) * MILLISECONDS:,.0f}",
            f"{statistics.median(one.processor) * MILLISECONDS:,.0f}",
            "" if one.ratio is None else f"{one.ratio:.2f}",
        ]
        for one in timed
    ]
    table.show(["", "ms", "fastest, ms", "processor, ms", "ratio"], rows)


def _of(one: Timed) -> str:
    return ", Django 5.2" if one.words[0] == "django-admin" else ", bare"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end.")
