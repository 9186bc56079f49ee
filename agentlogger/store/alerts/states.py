"""How alerts stand: judged by what was found, and told to the outbox in the same transaction."""

from __future__ import annotations

import operator
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from agentlogger.limits import ALERT_SUBJECTS
from agentlogger.models.alerts import AlertState
from agentlogger.models.database import db, table_of
from agentlogger.store import leases
from agentlogger.store.alerts import deliveries
from agentlogger.store.alerts.alerts import OWN, keep
from agentlogger.store.alerts.deliveries import News
from agentlogger.store.alerts.values import Found
from agentlogger.store.alerts.words import LESS, judged_from_ns
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.leases import Taken
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(AlertState)

EVALUATES = OperatorScope("one worker evaluates the alerts of all projects")

COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Finding:
    """What an evaluation of a rule came to: values, or the problem why there are none."""

    rule: Row
    watched_ns: int
    found: Found | None = None
    problem: str | None = None
    note: str | None = None
    """What is to be known of the values, as a sentence."""


def firing(scope: ProjectScope, rules: Collection[Row]) -> dict[uuid.UUID, dict[str, int]]:
    """The subjects of each rule that fire, each since when."""
    del scope
    found: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    ids = [rule["id"] for rule in rules]
    with reading() as connection:
        for row in connection.execute(
            select(TABLE).where(TABLE.c.rule_id.in_(ids), TABLE.c.is_firing)
        ):
            found[row.rule_id][row.subject] = row.since_ns
    return found


def of_rule(scope: ProjectScope, rule: Row) -> list[Row]:
    """How each subject of a rule stands, those that fire first, then the last that ceased to."""
    del scope
    statement = select(TABLE).where(TABLE.c.rule_id == rule["id"])
    if rule["per"] != "project":
        statement = statement.where(TABLE.c.subject != OWN)
    statement = statement.order_by(TABLE.c.is_firing.desc(), TABLE.c.since_ns.desc())
    with reading() as connection:
        return all_rows(connection.execute(statement))


def count_firing(scope: OperatorScope) -> int:
    """How many subjects of all alerts fire, each rule of a whole project being one."""
    del scope
    statement = select(TABLE.c.rule_id, TABLE.c.subject).where(TABLE.c.is_firing)
    with reading() as connection:
        subjects = connection.execute(statement).all()
    named = {row.rule_id for row in subjects if row.subject != OWN}
    return sum(row.subject != OWN or row.rule_id not in named for row in subjects)


def settle(scope: ProjectScope, findings: Sequence[Finding], lease: Taken, moment_ns: int) -> None:
    """Write how these rules of a project stand now, and what is to be told of it.

    Raises LeaseLost, DatabaseUnavailable or DatabaseBehind, and then nothing was written.
    """
    with writing() as connection:
        leases.hold(EVALUATES, connection, lease)
        ids = [finding.rule["id"] for finding in findings]
        keep(scope, connection, ids)
        standing: dict[uuid.UUID, dict[str, Row]] = defaultdict(dict)
        # Locked: one that is deleted or begun anew at this moment is waited for.
        locked = select(TABLE).where(TABLE.c.rule_id.in_(ids)).with_for_update()
        for row in all_rows(connection.execute(locked)):
            standing[row["rule_id"]][row["subject"]] = row
        news: list[News] = []
        for finding in findings:
            states = standing[finding.rule["id"]]
            if OWN not in states or states[OWN]["evaluated_ns"] != finding.rule["evaluated_ns"]:
                continue
            if finding.found is None:
                _note(connection, finding)
            else:
                news += _settle(connection, finding, finding.found, states, moment_ns)
        deliveries.write(scope, connection, news, moment_ns)


def _note(connection: Connection, finding: Finding) -> None:
    own = (TABLE.c.rule_id == finding.rule["id"], TABLE.c.subject == OWN)
    connection.execute(update(TABLE).where(*own).values(problem=finding.problem))


def _settle(
    connection: Connection,
    finding: Finding,
    found: Found,
    states: Mapping[str, Row],
    moment_ns: int,
) -> list[News]:
    rule = finding.rule
    before = {
        subject
        for subject, state in states.items()
        if state["is_firing"] and (subject != OWN or rule["per"] == "project")
    }
    now = _firing(finding, found, before, moment_ns)
    changed = {*(now - before), *(before - now)}
    # What has no value is nothing of a sum that is whole, and a key that is gone of a silence.
    none = 0 if found.is_whole and rule["kind"] != "silence" else None
    rows = [
        {
            "rule_id": rule["id"],
            "subject": subject,
            "is_firing": subject in now,
            "since_ns": moment_ns if subject in changed else states[subject]["since_ns"],
            "value": found.values.get(subject, none),
            "evaluated_ns": moment_ns,
            "watched_ns": finding.watched_ns,
            "problem": None,
        }
        for subject in sorted(now | before)
        if subject != OWN
    ]
    own = states[OWN]
    rows.append(
        {
            "rule_id": rule["id"],
            "subject": OWN,
            "is_firing": bool(now),
            "since_ns": own["since_ns"] if own["is_firing"] == bool(now) else moment_ns,
            "value": max(found.values.values(), default=None),
            "evaluated_ns": moment_ns,
            "watched_ns": finding.watched_ns,
            "problem": finding.note,
        }
    )
    _write(connection, rows)
    _forget(connection, rule["id"])
    return [
        News(
            rule,
            subject,
            state="firing" if subject in now else "resolved",
            value=found.values.get(subject, none),
            details=found.details.get(subject, {}),
        )
        for subject in sorted(changed)
    ]


def _firing(finding: Finding, found: Found, before: set[str], moment_ns: int) -> set[str]:
    """The subjects that fire now, of which so many did before."""
    rule = finding.rule
    unseen = before - found.values.keys()
    # Of those that are beyond the bound nothing is known, but that others have more.
    stay = set() if found.is_whole or not unseen else unseen
    now = {subject for subject in before & found.values.keys() if _is_over(rule, found, subject)}
    waits = moment_ns < judged_from_ns(rule, finding.watched_ns)
    if waits or (rule["comparison"] in LESS and finding.note is not None):
        return now | stay
    fresh = [
        subject
        for subject in found.values
        if subject not in before and _is_over(rule, found, subject)
    ]
    return now | stay | set(fresh[: max(0, ALERT_SUBJECTS - len(now | stay))])


def _is_over(rule: Row, found: Found, subject: str) -> bool:
    value = found.values[subject]
    if rule["kind"] == "silence":
        return value > int(rule["window_seconds"])
    return COMPARISONS[rule["comparison"]](value, rule["threshold"])


def _write(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    statement = backend_of(db.engine.url).insert_statement(TABLE)
    new = statement.excluded
    written = ("is_firing", "since_ns", "value", "evaluated_ns", "watched_ns", "problem")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[TABLE.c.rule_id, TABLE.c.subject],
            set_={name: new[name] for name in written},
        ),
        list(rows),
    )


def _forget(connection: Connection, rule_id: uuid.UUID) -> None:
    """Keep of those that ceased to fire the last ones."""
    ceased = (TABLE.c.rule_id == rule_id, TABLE.c.subject != OWN, TABLE.c.is_firing.is_(False))
    there = connection.execute(select(func.count()).where(*ceased)).scalar_one()
    if there <= ALERT_SUBJECTS:
        return
    last = (
        select(TABLE.c.subject)
        .where(*ceased)
        .order_by(TABLE.c.since_ns.desc(), TABLE.c.subject)
        .limit(ALERT_SUBJECTS)
    )
    connection.execute(delete(TABLE).where(*ceased, TABLE.c.subject.not_in(last)))
