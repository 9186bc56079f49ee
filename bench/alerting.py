"""Whether fifty alerts are evaluated within their interval while records come in.

`python -m bench.alerting` stores a month of records and calls on each database and makes fifty
alerts: counts by columns, by words and by attributes, each for the whole project or for each
session or user; budgets of a day and of a month; silence. In each round it stores what ten seconds
bring at so many records a second, and then has one worker evaluate all alerts once. It prints how
long that took, and how much of a processor, ours and the database's. It ends with 1 where a pass
took longer than its interval, or where an alert was behind or could not be judged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agentlogger.app import create_app
from agentlogger.config import read_settings
from agentlogger.duties import alerting
from agentlogger.duties.leased import Turn
from agentlogger.intake import batches
from agentlogger.models.database import db
from agentlogger.store import projects
from agentlogger.store.alerts import alerts
from agentlogger.store.alerts.alerts import Asked
from agentlogger.store.appending import append
from agentlogger.store.scope import OperatorScope, ProjectScope
from bench import databases, records, stored_records, table
from bench.databases import Database, Make
from bench.processes import Tree
from tests.journeys.serving import serving

MEASURES = OperatorScope("a benchmark fills its own database")
A_REQUEST = 500
"""Records of a transaction, about what SDKs send at once."""

DAY = 86_400
MICRO = 10**6
WORDS = ("timeout", "migrate", "retry", "index error", "server", "please fix", "naïve", "token")
"""What people search texts for; the benchmark's records are made of these and others."""

COLUMNS = (
    "level:>=error", "level:>=warn", "event:api_error", "event:tool_result ok:false", "tool:Bash",
    "model:claude-opus-5", "kind:prompt", "duration:>30s", "cost:>0.5",
)  # fmt: skip
ATTRIBUTES = ("@decision:reject", "@terminal.type:vscode", "@tool_name:Edit ok:false")


def watched() -> Iterator[Asked]:
    """What the fifty watch for."""
    counts = (*COLUMNS, *WORDS, *ATTRIBUTES)
    for query in counts:
        yield Asked("count", 600, "project", ">", 100, query=query)
    for per in ("session", "user"):
        for query in (*COLUMNS[:6], *WORDS[:2]):
            yield Asked("count", 3_600, per, ">", 1_000, query=query)
    for per in ("project", "key", "session", "user"):
        for window in (DAY, 30 * DAY):
            yield Asked("budget", window, per, ">", 50 * MICRO)
    yield Asked("count", 600, "project", "<", 1, query="event:nightly")
    for window in (120, 600, 1_800):
        yield Asked("silence", window, "project")
    yield Asked("silence", 600, "key")
    yield Asked("count", 60, "session", ">", 300, query="")


def main(arguments: Sequence[str]) -> int:
    """Measure and print; return 1 where a pass took longer than its interval."""
    asked = _parser().parse_args(arguments)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for make in databases.chosen(asked.only, Path(folder), asked.postgresql_url).values():
            failed |= not _measure(make, asked)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.alerting", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="records a second (default: 1000)")
    parser.add_argument("--rounds", type=int, default=4, help="(default: 4)")
    parser.add_argument("--records", type=int, default=200_000, help="before (default: 200000)")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one of the databases")
    parser.add_argument(
        "--postgresql-url", help="a server to make a database on; else one is started for this"
    )
    return parser


def _measure(make: Make, asked: argparse.Namespace) -> bool:
    with make() as database, tempfile.TemporaryDirectory() as folder:
        # The first start makes the tables.
        with serving(database.address, Path(folder)):
            pass
        stored_records.fill(database.address, asked.records)
        settings = {"DATABASE_URL": database.address, "AGENTLOGGER_INSTANCE": folder}
        with create_app(read_settings(settings)).app_context():
            try:
                return _rounds(database, asked.rate, asked.rounds)
            finally:
                db.engine.dispose()


def _rounds(database: Database, rate: int, rounds: int) -> bool:
    """Store and evaluate, round by round; whether each pass was in time, and whole."""
    scope = ProjectScope(projects.all_of(MEASURES)[0]["id"])
    for number, asked in enumerate(watched()):
        alerts.create(
            scope, asked, name=f"{number}", url="http://127.0.0.1:9/", created_by="a benchmark"
        )
    requests = records.Requests(A_REQUEST, seed=1)
    turn = Turn("alerting", every_seconds=alerting.EVERY_SECONDS)
    rows, is_well = [], True
    arrived = int(rate * alerting.EVERY_SECONDS)
    for number in range(1, rounds + 1):
        for _ in range(0, arrived, A_REQUEST):
            batch = batches.from_otlp_protobuf(bytes(requests.next()), time.time_ns())
            append(scope, batch.records)
        taken = _pass(turn, database.tree())
        items = alerts.all_of(scope)
        problems = {item["problem"] for item in items if item["problem"]}
        is_well &= taken[0] <= alerting.EVERY_SECONDS and not problems
        firing = sum(one["is_firing"] for one in items)
        told = (*(f"{seconds:.2f}" for seconds in taken), f"{firing}")
        rows.append([f"{number}", *told, " ".join(sorted(problems)) or "-"])
    turn.give_back()
    print(f"\n{database.facts}: {len(items)} alerts, {arrived:,} records a pass")
    table.show(["pass", "seconds", "ours, s", "the database's, s", "firing", "problems"], rows)
    return is_well


def _pass(turn: Turn, database: Tree | None) -> tuple[float, float, float]:
    """Evaluate all alerts once; the seconds, and those on a processor, ours and the database's."""
    if not turn.take():
        raise RuntimeError("Somebody else evaluates the alerts of this database.")
    began = time.monotonic(), time.process_time(), _processor_seconds(database)
    alerting.evaluate(turn)
    ended = time.monotonic(), time.process_time(), _processor_seconds(database)
    return ended[0] - began[0], ended[1] - began[1], ended[2] - began[2]


def _processor_seconds(tree: Tree | None) -> float:
    """Of a database that is in our process, none of its own."""
    return 0.0 if tree is None else tree.processor_seconds()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: nothing was measured to the end, and nothing of it is left.")
