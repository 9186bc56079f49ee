"""What alerts count: each record that arrives once, by the time at which it was received.

Records are read on as they arrive (`store/arrivals.py`), so one whose own time is long past, or
whose transaction commits late, is counted like any other, and none twice: counts and the position
up to which they were made are written in one transaction.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, delete, func, or_, select, true, update

from agentlogger.errors import QueryTooSlow
from agentlogger.limits import ALERT_COUNTS, ALERT_SUBJECTS
from agentlogger.models.alerts import AlertCount, AlertState
from agentlogger.models.database import db, table_of
from agentlogger.query import parsing
from agentlogger.query.compiling import condition
from agentlogger.query.tree import Node
from agentlogger.store import arrivals, leases
from agentlogger.store.alerts.alerts import OWN, keep
from agentlogger.store.alerts.words import subject_of
from agentlogger.store.bounded import bounded
from agentlogger.store.connections import backend_of, reading, reading_one_moment, writing
from agentlogger.store.keyed import TABLE as RECORDS
from agentlogger.store.keyed import found_by_key, key_parameters
from agentlogger.store.leases import Taken
from agentlogger.store.positions import SECOND_NS, Position, parse
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(AlertCount)
STATES = table_of(AlertState)

STEPS = 30
"""Steps that a window has: a count is of the whole window and at most a thirtieth more."""

LOOKED_AT = 2_000
"""Records that are looked at in one transaction: 0.2 s for fifty queries of
rare words, 0.7 s of frequent ones (measured, SQLite; PostgreSQL 0.6 and 1.2 s)."""

KEYS_AT_ONCE = 500
"""Keys that one statement asks for."""

QUERIES_AT_ONCE = 16
"""Queries that one statement answers: each may have fifty terms."""

STATEMENTS_KEPT = 64
"""Statements that are kept ready; the same queries are asked every few seconds."""

SECONDS = 5.0
"""How long a reading may take: an evaluation goes on with its lease only between readings. The last
statement of one may take as long again."""

READS = OperatorScope("what is new is read once for the alerts of a project")

SUBJECTS = {"session": RECORDS.c.session_id, "user": RECORDS.c.user_id}

Cell = tuple[uuid.UUID, str, int]
"""A rule, a subject, and where a step begins."""


@dataclass(frozen=True)
class Progress:
    """What came of counting on."""

    position: str
    is_complete: bool
    """Whether everything that has arrived is counted."""
    began_anew: bool = False
    """Whether what lies between is not known any more: counting began again, with nothing."""
    left_out: frozenset[uuid.UUID] = frozenset()
    """Rules that have no room for more subjects."""


def count_on(
    scope: ProjectScope, groups: Sequence[Sequence[Row]], lease: Taken, moment_ns: int
) -> list[Progress]:
    """Count what has arrived for groups of rules, each at one position; what came of each.

    At most LOOKED_AT records for each group. Those that have been read to the end are all at the
    same position then, and are one group from there on. Raises QueryTooSlow, and then nothing was
    counted; LeaseLost; and what `writing` raises.
    """
    with reading_one_moment() as connection:
        now = arrivals.now(READS, connection)
        until = time.monotonic() + SECONDS
        with bounded(connection, SECONDS):
            readings = [_read(scope, connection, rules, now, until) for rules in groups]
    with writing() as connection:
        leases.hold(READS, connection, lease)
        keep(scope, connection, [rule["id"] for rules in groups for rule in rules])
        return [_write(connection, one, moment_ns) for one in readings]


@dataclass(frozen=True)
class _Reading:
    """What there was for a group of rules, and where they stand behind it."""

    rules: Sequence[Row]
    cells: Counter[Cell]
    position: Position
    is_complete: bool
    began_anew: bool = False


def values(scope: ProjectScope, rule: Row, moment_ns: int) -> dict[str, int]:
    """How many records were received within the rule's window, by subject, the most first."""
    del scope
    within = (
        select(TABLE.c.subject, func.sum(TABLE.c.records).label("records"))
        .where(
            TABLE.c.rule_id == rule["id"],
            TABLE.c.from_ns > moment_ns - rule["window_seconds"] * SECOND_NS - _step_ns(rule),
        )
        .group_by(TABLE.c.subject)
        .order_by(func.sum(TABLE.c.records).desc(), TABLE.c.subject)
        .limit(ALERT_SUBJECTS)
    )
    with reading() as connection:
        return {row.subject: int(row.records) for row in connection.execute(within)}


def _step_ns(rule: Mapping[str, Any]) -> int:
    """How long the steps of a rule's counts are."""
    return int(rule["window_seconds"]) * SECOND_NS // STEPS


def _read(
    scope: ProjectScope, connection: Connection, rules: Sequence[Row], now: Position, until: float
) -> _Reading:
    before = parse(rules[0]["position"] or "")
    if before is None or before.is_lost(now):
        return _Reading(rules, Counter(), now, is_complete=True, began_anew=True)
    read = arrivals.read_on(READS, connection, before, projects={scope.project_id}, limit=LOOKED_AT)
    cells = _cells(scope, connection, rules, read.arrivals, until)
    position = now if read.is_complete else read.position
    return _Reading(rules, cells, position, is_complete=read.is_complete)


def _cells(
    scope: ProjectScope,
    connection: Connection,
    rules: Sequence[Row],
    arrived: Iterable[arrivals.Arrival],
    until: float,
) -> Counter[Cell]:
    """The records of these arrivals that the rules count, in their cells."""
    asked: dict[Node, list[Row]] = defaultdict(list)
    for rule in rules:
        asked[parsing.read(rule["query"] or "").tree].append(rule)
    # A record that was completed comes a second time; within one reading it counts once.
    received = {key: one.behind.moment_ns for one in arrived for key in one.keys}
    keys = iter(received)
    cells: Counter[Cell] = Counter()
    while batch := list(islice(keys, KEYS_AT_ONCE)):
        parameters = key_parameters(scope, db.engine.dialect.name, batch)
        for first in range(0, len(asked), QUERIES_AT_ONCE):
            some = tuple(islice(asked, first, first + QUERIES_AT_ONCE))
            if time.monotonic() > until:
                raise QueryTooSlow(
                    f"Too much has arrived to look at all of it within {SECONDS:g} s: make the "
                    "query simpler, or have fewer alerts that count."
                )
            statement = _asking(db.engine.dialect.name, some)
            for row in all_rows(connection.execute(statement, parameters)):
                for place, query in enumerate(some):
                    if row[f"like_{place}"]:
                        _count(cells, asked[query], row, received[row["ts_ns"], row["id"]])
    return cells


def _count(
    cells: Counter[Cell], rules: Iterable[Row], record: Mapping[str, Any], received_ns: int
) -> None:
    for rule in rules:
        subject = OWN if rule["per"] == "project" else record[rule["per"]]
        if subject is not None:
            step = _step_ns(rule)
            cells[rule["id"], subject_of(subject), received_ns // step * step] += 1


@lru_cache(maxsize=STATEMENTS_KEPT)
def _asking(dialect: str, queries: tuple[Node, ...]) -> Select[Any]:
    marks = [
        condition(query, RECORDS, dialect).is_(true()).label(f"like_{place}")
        for place, query in enumerate(queries)
    ]
    named = [column.label(name) for name, column in SUBJECTS.items()]
    asked = found_by_key(dialect, [RECORDS.c.ts_ns, RECORDS.c.id, *named, *marks])
    # With an OFFSET it stays a query of its own: else each mark is made out twice.
    found = asked.offset(0).subquery()
    return select(found).where(or_(*(found.c[mark.name] for mark in marks)))


def _write(connection: Connection, read: _Reading, moment_ns: int) -> Progress:
    left_out: set[uuid.UUID] = set()
    position = read.position.text()
    # One that was deleted or begun anew meanwhile is not at that position any more.
    still = connection.execute(
        update(STATES)
        .where(
            STATES.c.rule_id.in_([rule["id"] for rule in read.rules]),
            STATES.c.subject == OWN,
            STATES.c.position == read.rules[0]["position"],
        )
        .values(position=position)
        .returning(STATES.c.rule_id)
    )
    standing = {row.rule_id for row in still}
    for rule in read.rules:
        if rule["id"] not in standing:
            continue
        old = TABLE.c.rule_id == rule["id"]
        if not read.began_anew:
            past = moment_ns - rule["window_seconds"] * SECOND_NS - _step_ns(rule)
            old &= TABLE.c.from_ns <= past
        connection.execute(delete(TABLE).where(old))
        own = [(cell, number) for cell, number in read.cells.items() if cell[0] == rule["id"]]
        if _add(connection, rule["id"], own):
            left_out.add(rule["id"])
    return Progress(position, read.is_complete, read.began_anew, frozenset(left_out))


def _add(connection: Connection, rule_id: uuid.UUID, cells: Sequence[tuple[Cell, int]]) -> bool:
    """Add to the counts of a rule; whether something found no room."""
    if not cells:
        return False
    there = connection.execute(select(func.count()).where(TABLE.c.rule_id == rule_id)).scalar_one()
    room = max(0, ALERT_COUNTS - there)
    statement = backend_of(db.engine.url).insert_statement(TABLE)
    adding = statement.on_conflict_do_update(
        index_elements=[TABLE.c.rule_id, TABLE.c.subject, TABLE.c.from_ns],
        set_={"records": TABLE.c.records + statement.excluded.records},
    )
    rows = [
        {"rule_id": rule, "subject": subject, "from_ns": from_ns, "records": number}
        for (rule, subject, from_ns), number in cells[:room]
    ]
    if rows:
        connection.execute(adding, rows)
    return len(cells) > room
