"""Deliveries: the outbox of alerts, written with their states, tried, and kept as a log.

Each is sent at least once and usually once: whoever sends writes that it begins before it does, and
what came of it behind. A worker that is killed in between leaves a try without an outcome, and the
next one tries again; the id is the same then, so that a receiver can drop what it has had.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from agentlogger.intake import times
from agentlogger.limits import ALERT_DELIVERIES, WEBHOOK_ATTEMPTS, WEBHOOK_SECONDS
from agentlogger.models.alerts import AlertDelivery, AlertRule
from agentlogger.models.database import table_of
from agentlogger.models.projects import Project
from agentlogger.store import leases
from agentlogger.store.alerts.words import sentence_of
from agentlogger.store.connections import reading, writing
from agentlogger.store.leases import Taken
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.rows import Row, all_rows, first_row
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(AlertDelivery)
RULES = table_of(AlertRule)
PROJECTS = table_of(Project)

WAITS_SECONDS = (10, 30, 120, 600, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600)
"""How long each try waits behind the one before: a restart is a matter of seconds, a night of
hours."""

BEGUN_SECONDS = 6 * WEBHOOK_SECONDS
"""How long a try that has begun is left alone: its sender may have been taken for dead."""

NO_OUTCOME = "The worker that sent it ended meanwhile: it may have arrived."

UNITS = {"count": "records", "budget": "micro_usd", "silence": "seconds"}

TOLD = ("id", "name", "kind", "query", "comparison", "threshold", "window_seconds", "per", "key")
"""What a delivery tells of its alert."""


@dataclass(frozen=True)
class News:
    """What is to be told of a rule, or of one subject of it."""

    rule: Row
    """With `project`, the project's name."""
    subject: str
    state: str
    """firing, resolved or test."""
    value: int | None = None
    details: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Due:
    """A delivery that is to be tried now."""

    id: uuid.UUID
    attempt: int
    body: bytes
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """How a try went: the receiver's status, or why there is none."""

    status: int | None
    error: str | None
    took_ms: int

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.error is None


def write(
    scope: ProjectScope, connection: Connection, news: Sequence[News], moment_ns: int
) -> list[uuid.UUID]:
    """Put news into the outbox, in the transaction that they are of; the oldest make room."""
    if not news:
        return []
    rows = [_row(scope, one, moment_ns) for one in news]
    connection.execute(insert(TABLE), rows)
    own = TABLE.c.project_id == scope.project_id
    last = (
        select(TABLE.c.id)
        .where(own)
        .order_by(TABLE.c.created_ns.desc(), TABLE.c.id)
        .limit(ALERT_DELIVERIES)
    )
    there = connection.execute(select(func.count()).where(own)).scalar_one()
    if there > ALERT_DELIVERIES:
        connection.execute(delete(TABLE).where(own, TABLE.c.id.not_in(last)))
    return [row["id"] for row in rows]


def write_test(scope: ProjectScope, rule_id: uuid.UUID, moment_ns: int) -> Row | None:
    """Put a test into the outbox and return it, or None where there is no such alert."""
    statement = (
        select(RULES, PROJECTS.c.name.label("project"))
        .join(PROJECTS, PROJECTS.c.id == RULES.c.project_id)
        .where(RULES.c.project_id == scope.project_id, RULES.c.id == rule_id)
    )
    with writing() as connection:
        rule = first_row(connection.execute(statement))
        if rule is None:
            return None
        (written,) = write(scope, connection, [News(rule, "", "test")], moment_ns)
        return first_row(connection.execute(select(TABLE).where(TABLE.c.id == written)))


def of_rule(scope: ProjectScope, rule_id: uuid.UUID, *, limit: int) -> list[Row]:
    """The deliveries of an alert, the newest first."""
    statement = (
        select(TABLE)
        .where(TABLE.c.project_id == scope.project_id, TABLE.c.rule_id == rule_id)
        .order_by(TABLE.c.created_ns.desc(), TABLE.c.id)
        .limit(limit)
    )
    with reading() as connection:
        return all_rows(connection.execute(statement))


def of_project(scope: ProjectScope, *, limit: int) -> list[Row]:
    """The deliveries of all alerts of a project, the newest first, each with its alert's `name`."""
    statement = (
        select(TABLE, RULES.c.name)
        .join(RULES, RULES.c.id == TABLE.c.rule_id)
        .where(TABLE.c.project_id == scope.project_id)
        .order_by(TABLE.c.created_ns.desc(), TABLE.c.id)
        .limit(limit)
    )
    with reading() as connection:
        return all_rows(connection.execute(statement))


def count(scope: OperatorScope) -> dict[str, int]:
    """How many of those that are kept wait, were delivered, and have failed for good."""
    del scope
    counts = dict.fromkeys(("waiting", "delivered", "failed"), 0)
    statement = select(TABLE.c.status, func.count()).group_by(TABLE.c.status)
    with reading() as connection:
        for status, number in connection.execute(statement):
            counts[status] = int(number)
    return counts


def begin(scope: OperatorScope, lease: Taken, moment_ns: int) -> Due | None:
    """Begin a try of the delivery that has been due the longest, or None where none is.

    News of one subject are sent in their order: a later one waits for those before it. Raises
    LeaseLost, and what `writing` raises.
    """
    if not _any_due(moment_ns):
        return None
    with writing() as connection:
        leases.hold(scope, connection, lease)
        row = first_row(
            connection.execute(
                select(TABLE, RULES.c.url, RULES.c.secret)
                .join(RULES, RULES.c.id == TABLE.c.rule_id)
                .where(TABLE.c.next_ns <= moment_ns, _is_first())
                .order_by(TABLE.c.next_ns, TABLE.c.id)
                .limit(1)
                .with_for_update(of=TABLE)
            )
        )
        if row is None:
            return None
        attempt = row["attempts"] + 1
        begun = {"time_ns": moment_ns, "status": None, "error": NO_OUTCOME, "took_ms": None}
        is_last = attempt >= WEBHOOK_ATTEMPTS
        connection.execute(
            update(TABLE)
            .where(TABLE.c.id == row["id"])
            .values(
                attempts=attempt,
                tries=[*row["tries"], begun],
                next_ns=None if is_last else moment_ns + BEGUN_SECONDS * SECOND_NS,
                status="failed" if is_last else "waiting",
            )
        )
    return Due(row["id"], attempt, row["body"].encode(), row["url"], row["secret"])


def end(scope: OperatorScope, due: Due, outcome: Outcome, moment_ns: int) -> None:
    """Write how a try went. Without a lease: it is true whoever sends now.

    Nothing is written where another try has begun meanwhile, or the delivery is gone.
    """
    del scope
    that = (TABLE.c.id == due.id, TABLE.c.attempts == due.attempt)
    with writing() as connection:
        row = first_row(connection.execute(select(TABLE).where(*that).with_for_update()))
        if row is None:
            return
        told = {**vars(outcome), "time_ns": row["tries"][-1]["time_ns"]}
        changed: dict[str, Any] = {"tries": [*row["tries"][:-1], told]}
        if outcome.is_delivered:
            changed |= {"status": "delivered", "next_ns": None}
        elif due.attempt < WEBHOOK_ATTEMPTS:
            changed["next_ns"] = moment_ns + WAITS_SECONDS[due.attempt - 1] * SECOND_NS
        connection.execute(update(TABLE).where(*that).values(**changed))


def _any_due(moment_ns: int) -> bool:
    """Asked first: nearly always there is none, and nothing has to be written to know that."""
    with reading() as connection:
        due = select(TABLE.c.id).where(TABLE.c.next_ns <= moment_ns, _is_first()).limit(1)
        return connection.execute(due).first() is not None


def _is_first() -> Any:
    earlier = TABLE.alias("earlier")
    there = select(earlier.c.id).where(
        earlier.c.rule_id == TABLE.c.rule_id,
        earlier.c.subject == TABLE.c.subject,
        earlier.c.created_ns < TABLE.c.created_ns,
        earlier.c.next_ns.is_not(None),
        earlier.c.state != "test",
    )
    return or_(TABLE.c.state == "test", ~there.exists())


def _row(scope: ProjectScope, news: News, moment_ns: int) -> Row:
    identifier = uuid.uuid4()
    rule = news.rule
    body = {
        "id": str(identifier),
        "type": f"alert.{news.state}",
        "time": times.to_iso(moment_ns),
        "text": sentence_of(rule, news.subject, news.state, news.value),
        "project": rule["project"],
        "alert": {name: rule[name] for name in TOLD} | {"id": str(rule["id"])},
        "subject": news.subject or None,
        "value": news.value,
        "unit": UNITS[rule["kind"]],
        **news.details,
    }
    return {
        "id": identifier,
        "project_id": scope.project_id,
        "rule_id": rule["id"],
        "subject": news.subject,
        "state": news.state,
        "body": orjson.dumps(body).decode(),
        "status": "waiting",
        "attempts": 0,
        "next_ns": moment_ns,
        "tries": [],
        "created_ns": moment_ns,
    }
