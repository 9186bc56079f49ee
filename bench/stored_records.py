"""A month of an organisation's records and calls, written straight into a database's tables.

Sessions of several agents run side by side, as many at night as by day; records of a session have
what its agent sends: prompts, calls of models, tools with their decisions and results, failures.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

from agentlogger.models.calls import ModelCall
from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord
from bench.records import MODELS, TOOLS, WORDS

DAYS = 30
"""How many days the records are of where nothing else is said."""

DAY_NS = 86_400 * 10**9
PIECE = 20_000
"""Rows that are in memory at once."""

RARE_WORD = "heliotrope"
RARE_EVERY = 100_000
"""One record of so many has the rare word in it."""

SIDE_BY_SIDE = 8
SESSION_RECORDS = (100, 500)
TEMPLATES = 300
"""Different attributes of each kind of record; what differs in all stands in columns."""

AGENTS = ("claude-code", "codex", "gemini-cli")
USERS = tuple(f"user-{number}@example.org" for number in range(12))
KINDS = (
    ("tool", "tool_result", 9, 34),
    ("decision", "tool_decision", 5, 15),
    ("llm", "api_request", 9, 20),
    ("prompt", "user_prompt", 9, 5),
    ("response", "assistant_response", 9, 10),
    ("log", "hook_finished", 5, 12),
    ("log", "retrying", 13, 2),
    ("error", "api_error", 17, 2),
)
"""Kind, event, severity, and how many of a hundred."""

RECORDS = table_of(LogRecord)
CALLS = table_of(ModelCall)
Row = dict[str, Any]


@dataclass
class _Session:
    """A session while it runs."""

    name: str
    agent: str
    user: str
    model: str
    left: int
    prompt: str


class Month:
    """Records in the order of their times up to now, with the calls that some of them report."""

    def __init__(self, records: int, project: int, days: int) -> None:
        self._chance = random.Random(records)
        self._project = project
        self._count = records
        until = time.time_ns()
        self._start_ns = until - days * DAY_NS
        self.days = range(self._start_ns // DAY_NS, until // DAY_NS + 1)
        self._step = days * DAY_NS // records
        self._attributes = {
            event: [json.dumps(self._said(event)) for _ in range(TEMPLATES)]
            for _, event, _, _ in KINDS
        }
        self._bodies = {event: json.dumps(f"agent.{event}") for _, event, _, _ in KINDS}
        self._texts = [self._text(60) for _ in range(TEMPLATES)]
        self._resources = {
            agent: json.dumps({"service.name": agent, "os.type": "linux", "host.arch": "amd64"})
            for agent in AGENTS
        }

    def rows(self) -> Iterator[tuple[Row, Row | None]]:
        """Each record, and the call that it reports."""
        chance = self._chance
        running = [self._session() for _ in range(SIDE_BY_SIDE)]
        weights = list(itertools.accumulate(kind[3] for kind in KINDS))
        for number in range(self._count):
            place = chance.randrange(SIDE_BY_SIDE)
            session = running[place]
            session.left -= 1
            if session.left == 0:
                running[place] = self._session()
            kind = chance.choices(KINDS, cum_weights=weights)[0]
            record = self._record(number, session, kind)
            yield record, self._call(record, number) if kind[0] == "llm" else None

    def _session(self) -> _Session:
        chance = self._chance
        return _Session(
            str(uuid.UUID(bytes=chance.randbytes(16), version=4)),
            chance.choice(AGENTS),
            chance.choice(USERS),
            chance.choice(MODELS),
            chance.randint(*SESSION_RECORDS),
            str(uuid.UUID(bytes=chance.randbytes(16), version=4)),
        )

    def _record(self, number: int, session: _Session, said: tuple[str, str, int, int]) -> Row:
        chance = self._chance
        kind, event, severity, _ = said
        if kind == "prompt":
            session.prompt = str(uuid.UUID(bytes=chance.randbytes(16), version=4))
        ts_ns = self._start_ns + number * self._step
        row: Row = {
            "project_id": self._project,
            "ts_ns": ts_ns,
            "id": chance.getrandbits(62),
            "stray": 0,
            "received_ns": ts_ns + 10**9,
            "ts_source": "emitted",
            "severity_number": severity,
            "severity_source": "derived",
            "event": event,
            "event_name": event,
            "kind": kind,
            "body": self._body(number, kind, event),
            "session_id": session.name,
            "prompt_id": session.prompt,
            "agent": session.agent,
            "user_id": session.user,
            "attributes": chance.choice(self._attributes[event]),
            "resource": self._resources[session.agent],
        }
        if kind in {"tool", "decision"}:
            row |= {"tool": chance.choice(TOOLS), "tool_call_id": f"toolu_{number:x}"}
        if kind == "tool":
            row |= {"ok": chance.random() > 0.1, "duration_ns": chance.randrange(90_000) * 10**6}
        if kind == "error":
            row |= {"ok": False, "error_type": "overloaded_error", "model": session.model}
        if kind == "llm":
            row |= {
                "model": session.model,
                "provider": "anthropic",
                "ok": True,
                "duration_ns": chance.randrange(200, 40_000) * 10**6,
                "tokens_in": chance.randrange(1_000, 150_000),
                "tokens_out": chance.randrange(1, 3_000),
                "cost_micro_usd": chance.randrange(100_000),
                "cost_source": "reported",
            }
        return row

    def _body(self, number: int, kind: str, event: str) -> str:
        if number % RARE_EVERY == RARE_EVERY // 2:
            return json.dumps(f"{self._text(20)} {RARE_WORD} {self._text(20)}")
        if kind in {"prompt", "response"}:
            return json.dumps(self._texts[number % TEMPLATES])
        return self._bodies[event]

    def _call(self, record: Row, number: int) -> Row:
        words = ("session_id", "agent", "model", "provider", "user_id", "ok", "duration_ns")
        told = {name: record[name] for name in (*words, "tokens_in", "tokens_out")}
        cost = {name: record[name] for name in ("cost_micro_usd", "cost_source")}
        report = {
            "ts_ns": record["ts_ns"], "record_id": record["id"], "source": "log", "rank": 1,
            "keys": [], **told, **cost,
        }  # fmt: skip
        known = {name: value for name, value in told.items() if name in CALLS.c}
        return {
            "project_id": self._project, "call_id": number + 1, "ts_ns": record["ts_ns"],
            "failed_before": 0, **known, **cost, "reports": json.dumps([report]),
        }  # fmt: skip

    def _said(self, event: str) -> dict[str, Any]:
        chance = self._chance
        return {
            "event.name": event,
            "event.sequence": chance.randrange(10**6),
            "organization.id": str(uuid.UUID(bytes=chance.randbytes(16), version=4)),
            "terminal.type": "vscode",
            "app.version": "2.1.230",
            "decision_source": "config",
            "tool_input_size_bytes": str(chance.randrange(9_000)),
            "tool_parameters": json.dumps({"command": self._text(20), "timeout": 120_000}),
            "query_source": self._text(14),
        }

    def _text(self, words: int) -> str:
        return " ".join(self._chance.choices(WORDS, k=words))


def fill(address: str, records: int, days: int = DAYS) -> None:
    """Store so many records of the last days, and their calls. A project must be there."""
    if make_url(address).get_backend_name() == "sqlite":
        _fill_sqlite(str(make_url(address).database), records, days)
    else:
        _fill_postgresql(address, records, days)


def _pieces(month: Month) -> Iterator[tuple[list[Row], list[Row]]]:
    rows = month.rows()
    while piece := list(itertools.islice(rows, PIECE)):
        yield [record for record, _ in piece], [call for _, call in piece if call is not None]


def _fill_sqlite(file: str, records: int, days: int) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        (project,) = connection.execute("SELECT min(id) FROM projects").fetchone()
        month = Month(records, project, days)
        for piece in _pieces(month):
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in zip((RECORDS, CALLS), piece, strict=True):
                names = table.columns.keys()
                marks = ", ".join("?" * len(names))
                statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
                connection.executemany(statement, _tuples(names, rows))
            connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill_postgresql(address: str, records: int, days: int) -> None:
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute("SELECT min(id) FROM projects")
        (project,) = cursor.fetchone() or (None,)
        assert isinstance(project, int)
        month = Month(records, project, days)
        names = {
            day: f"log_records_{date(1970, 1, 1) + timedelta(days=day):%Y%m%d}"
            for day in month.days
        }
        for name in names.values():
            # Filled before it is attached: its indexes are then built in one go.
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
            cursor.execute(
                f"CREATE TABLE {name} (LIKE log_records INCLUDING ALL EXCLUDING INDEXES)"
            )
        for stored, calls in _pieces(month):
            for day, rows in itertools.groupby(stored, lambda row: row["ts_ns"] // DAY_NS):
                _copy(cursor, names[day], RECORDS.columns.keys(), rows)
            _copy(cursor, CALLS.name, CALLS.columns.keys(), calls)
        for day, name in names.items():
            cursor.execute(
                f"ALTER TABLE log_records ATTACH PARTITION {name}"
                f" FOR VALUES FROM (0, {day * DAY_NS}) TO (0, {(day + 1) * DAY_NS})"
            )
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _copy(cursor: Any, table: str, names: list[str], rows: Iterable[Row]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(_tuples(names, rows))
    text.seek(0)
    cursor.copy_expert(f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT csv)", text)


def _tuples(names: list[str], rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    return (tuple(row.get(name) for name in names) for row in rows)
