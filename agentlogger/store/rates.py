"""Rates: how much a project is sent now and by whom, by receipt and not by the records' own times.

An agent's clock may be wrong, and what is imported is of last year: neither changes who sends now.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from agentlogger.models.arrivals import Arrival
from agentlogger.models.database import table_of
from agentlogger.models.receipts import Receipt
from agentlogger.store import arrivals, key_lists
from agentlogger.store.bounded import bounded
from agentlogger.store.clock import day_of
from agentlogger.store.connections import reading_one_moment
from agentlogger.store.logs import LogFilter, newest
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.receipts import Count
from agentlogger.store.scope import OperatorScope, ProjectScope

ARRIVALS = table_of(Arrival)
RECEIPTS = table_of(Receipt)

HOUR_NS = 3_600 * SECOND_NS
TRANSACTIONS = 5_000
"""The newest that are added up: an hour of one and a half a second, in some milliseconds."""

RECORDS = 1_000
"""The newest that are asked who sent them."""

SECONDS = 2.0
"""How long a statement may take: the rest of a page does not wait for these figures for longer."""

SEES = OperatorScope("the origin of arrivals is the database's, whosever they are")


@dataclass(frozen=True)
class Rates:
    """What came of late."""

    seconds: dict[int, int]
    """Records by how many seconds ago they were received at most."""
    covered_seconds: int
    """How far back that reaches: what was received before it is not added up."""
    agents: list[tuple[str | None, int]]
    """The agents or services of the newest records that were received within the hour; None is
    for records that name neither."""
    looked_at: int
    """How many of them there are."""
    looked_since_ns: int | None
    """When the first of them was received."""
    today: Count
    """What became of all that was received today, UTC."""


def of_project(scope: ProjectScope, now_ns: int, spans: tuple[int, ...]) -> Rates:
    """How much was received within so many seconds, an hour at most, and by whom.

    Raises QueryTooSlow.
    """
    with reading_one_moment() as connection, bounded(connection, SECONDS):
        origin = arrivals.now(SEES, connection).origin
        came = connection.execute(_newest(scope, origin, now_ns - HOUR_NS)).all()
        keys, since_ns = _keys(scope, connection, origin, [row.number for row in came])
        agents = _agents(scope, connection, keys)
        today = _today(scope, connection, now_ns)
    is_all = len(came) < TRANSACTIONS
    reach_ns = HOUR_NS if is_all else now_ns - min(row.received_ns for row in came)
    return Rates(
        seconds={
            span: sum(row.stored for row in came if row.received_ns > now_ns - span * SECOND_NS)
            for span in spans
        },
        covered_seconds=max(1, reach_ns // SECOND_NS),
        agents=agents.most_common(),
        looked_at=len(keys),
        looked_since_ns=since_ns,
        today=today,
    )


def _newest(scope: ProjectScope, origin: int, since_ns: int) -> Select[Any]:
    """The newest transactions: numbers rise with them, and are the primary key."""
    row = ARRIVALS.c
    stored = (row.records - row.completed).label("stored")
    return (
        select(row.number, row.received_ns, stored)
        .where(
            row.origin == origin,
            row.project_id == scope.project_id,
            row.received_ns > since_ns,
        )
        .order_by(row.number.desc())
        .limit(TRANSACTIONS)
    )


def _keys(
    scope: ProjectScope, connection: Connection, origin: int, numbers: list[int]
) -> tuple[list[key_lists.Key], int | None]:
    """The keys of the newest records, and when the first of them was received."""
    row = ARRIVALS.c
    keys: list[key_lists.Key] = []
    since_ns = None
    # A transaction has at least one record, so no more of them are needed.
    read = select(row.received_ns, row.completed, row["keys"].label("packed")).where(
        row.origin == origin,
        row.project_id == scope.project_id,
        row.number.in_(numbers[:RECORDS]),
    )
    for one in connection.execute(read.order_by(row.number.desc())):
        unpacked = key_lists.unpacked(one.packed)
        keys += unpacked[: len(unpacked) - one.completed]
        since_ns = one.received_ns
        if len(keys) >= RECORDS:
            break
    return keys[:RECORDS], since_ns


def _agents(
    scope: ProjectScope, connection: Connection, keys: list[key_lists.Key]
) -> Counter[str | None]:
    if not keys:
        return Counter()
    wanted = LogFilter(keys=tuple(keys))
    rows = connection.execute(newest(scope, wanted, ["agent"], limit=len(keys)))
    return Counter(row.agent for row in rows)


def _today(scope: ProjectScope, connection: Connection, now_ns: int) -> Count:
    row = RECEIPTS.c
    sums = select(
        *(func.coalesce(func.sum(row[name]), 0) for name in ("stored", "duplicates", "refused"))
    ).where(row.project_id == scope.project_id, row.day == day_of(now_ns))
    return Count(*(int(number) for number in connection.execute(sums).one()))
