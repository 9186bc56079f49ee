"""What alerts are judged by: how much was counted, what was spent, how long nothing came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select

from agentlogger.limits import ALERT_SUBJECTS
from agentlogger.models.calls import ModelCall
from agentlogger.models.database import table_of
from agentlogger.store import senders
from agentlogger.store.alerts import counts as alert_counts
from agentlogger.store.alerts.alerts import OWN
from agentlogger.store.alerts.words import subject_of
from agentlogger.store.bounded import bounded
from agentlogger.store.calls import CallFilter, conditions
from agentlogger.store.connections import reading
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.rows import Row
from agentlogger.store.scope import ProjectScope

CALLS = table_of(ModelCall)

SECONDS = 5.0
"""How long a sum of calls may take: the calls of a month of ten thousand a day take a tenth."""

SPENDERS: Mapping[str, ColumnElement[Any]] = {
    "project": literal(OWN),
    "key": CALLS.c.api_key,
    "session": CALLS.c.session_id,
    "user": CALLS.c.user_id,
}


@dataclass(frozen=True)
class Found:
    """Values by subject, the most notable first, at most ALERT_SUBJECTS of them."""

    values: Mapping[str, int]
    details: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What else is told of a subject's value."""

    @property
    def is_whole(self) -> bool:
        """Whether every subject is among them that has a value."""
        return len(self.values) < ALERT_SUBJECTS


def of_rule(
    scope: ProjectScope, rule: Row, firing: Mapping[str, int], moment_ns: int, watched_ns: int
) -> Found:
    """What a rule is judged by now. `firing` are its subjects that fire, each since when.

    Records of a count, millionths of a US dollar of a budget, seconds of silence. Raises
    QueryTooSlow, DatabaseUnavailable, DatabaseBehind.
    """
    if rule["kind"] == "count":
        counted = alert_counts.values(scope, rule, moment_ns)
        return Found(counted or ({OWN: 0} if rule["per"] == "project" else {}))
    if rule["kind"] == "budget":
        return _spent(scope, rule, moment_ns)
    return Found(_silent(scope, rule, firing, moment_ns, watched_ns))


def _spent(scope: ProjectScope, rule: Row, moment_ns: int) -> Found:
    """What calls cost that began within the window, each of them once (decision 0010)."""
    spender = SPENDERS[rule["per"]]
    cost = func.coalesce(func.sum(CALLS.c.cost_micro_usd), 0)
    untold = and_(CALLS.c.cost_micro_usd.is_(None), CALLS.c.ok.is_not(False))
    wanted = CallFilter(from_ns=moment_ns - rule["window_seconds"] * SECOND_NS, to_ns=moment_ns)
    sums = (
        select(
            spender.label("subject"),
            cost.label("cost"),
            func.count().label("calls"),
            func.count(case((untold, 1))).label("untold"),
        )
        .where(*conditions(scope, wanted), spender.is_not(None))
        .order_by(cost.desc())
        .limit(ALERT_SUBJECTS)
    )
    if rule["per"] != "project":
        sums = sums.group_by(spender)
    with reading() as connection, bounded(connection, SECONDS):
        found = connection.execute(sums).all()
    named = [(subject_of(row.subject or OWN), row) for row in found]
    return Found(
        {subject: int(row.cost) for subject, row in named},
        {
            subject: {"calls": int(row.calls), "calls_without_cost": int(row.untold)}
            for subject, row in named
        },
    )


def _silent(
    scope: ProjectScope, rule: Row, firing: Mapping[str, int], moment_ns: int, watched_ns: int
) -> dict[str, int]:
    """For how many whole seconds nothing has come.

    A time in which nobody watched is no silence: it begins where watching did, unless it was
    silent before.
    """
    if rule["per"] == "project":
        last: dict[str, int | None] = {OWN: senders.last_of_project(scope)}
    elif rule["key"] is not None:
        last = {rule["key"]: senders.last_of_key(scope, rule["key"])}
    else:
        last = {**senders.last_of_keys(scope, moment_ns, limit=ALERT_SUBJECTS)}
    silent = {}
    for subject, last_ns in last.items():
        if subject in firing:
            begun = last_ns or firing[subject] - rule["window_seconds"] * SECOND_NS
        else:
            begun = max(last_ns or 0, watched_ns)
        silent[subject] = max(0, moment_ns - begun) // SECOND_NS
    return silent
