"""How soon a rare word is found among many records, with the index of texts and without.

`python -m bench.text` fills each database with records over thirty days, has the server's own steps
index them, and asks for words by the store, as the API does: a rare one over a day and over thirty,
one that is in a hundredth of the records, one that is in most. Beside each stands the same search
without the index, in the same run, and what the index takes of time and room.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from sqlalchemy import text

from agentlogger.app import create_app
from agentlogger.config import read_settings
from agentlogger.intake import batches
from agentlogger.intake.record import Record
from agentlogger.models.database import db
from agentlogger.query.parsing import read
from agentlogger.store import leases, logs, projects
from agentlogger.store.columns import COLUMNS, JSON_COLUMNS, PLAIN_COLUMNS, TABLE
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.identifiers import new_record_ids
from agentlogger.store.logs import LogFilter
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.store.texts import building as text_building
from bench.databases import postgresql, sqlite
from bench.records import Requests
from bench.table import show

BENCH = OperatorScope("a benchmark indexes what it has stored")
DAY_NS = 86_400 * 10**9
DAYS = 30
REQUEST = 512
TRIES = 5
PATIENCE_SECONDS = 8.0
TABLES = ("text_windows", "text_segments", "text_slices")
RARE = "zyzzyva_41f7"
SELDOM = "quokka"
RARE_RECORDS = 10
SELDOM_EVERY = 100

SEARCHES = (
    ("rare word, 24 h", RARE, 1),
    ("rare word, 30 days", RARE, DAYS),
    ("word that is nowhere, 30 days", "xylophage", DAYS),
    ("word of 1 in 100, newest 50", SELDOM, DAYS),
    ("word of most records, newest 50", "claude", DAYS),
    ("id of one record, 30 days", "", DAYS),
)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", metavar="ADDRESS", help="a server for PostgreSQL")
    chosen = parser.parse_args()
    if chosen.only != "postgresql":
        with (
            tempfile.TemporaryDirectory() as folder,
            sqlite(Path(folder)) as database,
        ):
            _measure(database.facts, database.address, chosen.records, Path(folder))
    if chosen.only != "sqlite":
        with (
            tempfile.TemporaryDirectory() as folder,
            postgresql(chosen.postgresql) as database,
        ):
            _measure(database.facts, database.address, chosen.records, Path(folder))


def _measure(facts: str, address: str, records: int, folder: Path) -> None:
    print(f"\n{facts}, {records:,} records over {DAYS} days")
    settings = read_settings(
        {"DATABASE_URL": address, "AGENTLOGGER_INSTANCE": str(folder), "SECRET_KEY": "bench"}
    )
    app = create_app(settings)
    with app.app_context():
        app.extensions["migrations"].upgrade()
        now = time.time_ns()
        began = time.monotonic()
        scope = ProjectScope(projects.all_of(BENCH)[0]["id"])
        known = _fill(scope, records, now)
        filled = time.monotonic() - began
        _analyse()
        asked = [(label, word or known, days) for label, word, days in SEARCHES]
        without = [_timed(scope, word, days, now) for _, word, days in asked]
        began, processor = time.monotonic(), time.process_time()
        longest = _index()
        seconds, used = time.monotonic() - began, time.process_time() - processor
        _analyse()
        indexed = [_timed(scope, word, days, now) for _, word, days in asked]
        assert [one[1] for one in indexed] == [one[1] for one in without]
        show(
            ("search", "found", "with the index", "without"),
            [
                (label, str(one[1]), f"{one[0]:.1f} ms", f"{other[0]:.1f} ms")
                for (label, _, _), one, other in zip(asked, indexed, without, strict=True)
            ],
        )
        print(
            f"filled at {records / filled:,.0f} records/s; indexed at {records / seconds:,.0f}"
            f" records/s of one process that does not rest,"
            f" {1e6 * used / records:.0f} µs of Python a record; longest step"
            f" {1000 * longest:.0f} ms; {_size() / records:.0f} bytes of index a record"
        )
        db.engine.dispose()


def _fill(scope: ProjectScope, records: int, now: int) -> str:
    """Store records evenly over the days, in the order of their times; an id of one of them."""
    begin, step = now - DAYS * DAY_NS, DAYS * DAY_NS // records
    _make_partitions(begin, now)
    backend = backend_of(db.engine.url)
    rare, known = records // RARE_RECORDS, ""
    attributes_at = len(PLAIN_COLUMNS) + JSON_COLUMNS.index("attributes")
    for first, chunk in _chunks(records):
        rows = []
        for index, (record, number) in enumerate(
            zip(chunk, new_record_ids(len(chunk)), strict=True), first
        ):
            values = [getattr(record, name) for name in (*PLAIN_COLUMNS, *JSON_COLUMNS)]
            attributes = dict(values[attributes_at])
            if index % rare == rare // 2:
                attributes["note"] = f"found {RARE} here"
            elif index % SELDOM_EVERY == 0:
                attributes["note"] = f"a {SELDOM} was seen"
            if index == records // 3:
                known = attributes["prompt.id"]
            values[PLAIN_COLUMNS.index("ts_ns")] = begin + index * step
            values[attributes_at] = attributes
            rows.append((scope.project_id, number, 0, *values))
        with writing() as connection:
            written = backend.written(COLUMNS, rows, json=len(JSON_COLUMNS))
            backend.insert(connection, TABLE.name, written)
    return known


def _chunks(records: int) -> Iterator[tuple[int, list[Record]]]:
    """Records as a client sends them, each chunk of others, and the number of its first."""
    for first in range(0, records, REQUEST):
        body = bytes(Requests(min(REQUEST, records - first), first).next())
        yield first, batches.from_otlp_protobuf(body, time.time_ns()).records


def _make_partitions(begin: int, end: int) -> None:
    """A partition for each day, where the database has them."""
    if db.engine.dialect.name != "postgresql":
        return
    with writing() as connection:
        for day in range(begin // DAY_NS, end // DAY_NS + 1):
            name = f"log_records_{date.fromordinal(date(1970, 1, 1).toordinal() + day):%Y%m%d}"
            if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar():
                continue
            connection.execute(text(f"CREATE TABLE {name} (LIKE log_records INCLUDING ALL)"))
            connection.execute(
                text(
                    f"ALTER TABLE log_records ATTACH PARTITION {name}"
                    f" FOR VALUES FROM (0, {day * DAY_NS}) TO (0, {(day + 1) * DAY_NS})"
                )
            )


def _index() -> float:
    """Have all indexed, as the duty does but without its rests; how long its longest step took."""
    lease = leases.take_or_renew(BENCH, "text index", holder="a benchmark", seconds=86_400)
    assert lease is not None
    longest, began = 0.0, time.monotonic()
    for _ in text_building.steps(BENCH, lease):
        longest = max(longest, time.monotonic() - began)
        began = time.monotonic()
    return longest


def _timed(scope: ProjectScope, word: str, days: int, now: int) -> tuple[float, int]:
    """The median of some searches, warm, in milliseconds, and how many records it finds."""
    wanted = LogFilter(from_ns=now - days * DAY_NS, to_ns=now, query=read(f'"{word}"').tree)
    seconds, found = [], 0
    while len(seconds) <= TRIES and sum(seconds) < PATIENCE_SECONDS:
        began = time.monotonic()
        found = len(logs.page(scope, wanted, after=None, limit=50))
        seconds.append(time.monotonic() - began)
    return 1000 * statistics.median(seconds[1:] or seconds), found


def _analyse() -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text("VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE")
        )


def _size() -> int:
    """Bytes of the index, with what the database keeps beside its rows."""
    with reading() as connection:
        if db.engine.dialect.name == "postgresql":
            sizes = (
                connection.execute(text(f"SELECT pg_total_relation_size('{name}')")).scalar_one()
                for name in TABLES
            )
            return sum(sizes)
        # SQLite tells no sizes of tables unless it was built to.
        return sum(
            connection.execute(
                text(f"SELECT sum(length({column})) + 40 * count(*) FROM {name}")  # noqa: S608  (ours)
            ).scalar_one()
            for name, column in (("text_windows", "keys"), ("text_slices", "bits"))
        )


if __name__ == "__main__":
    main()
