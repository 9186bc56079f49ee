"""Alerts are evaluated by one of all workers, again and again."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

from agentlogger.duties.leased import Turn
from agentlogger.errors import QueryTooSlow
from agentlogger.store.alerts import alerts
from agentlogger.store.alerts import counts as alert_counts
from agentlogger.store.alerts import states as alert_states
from agentlogger.store.alerts import values as alert_values
from agentlogger.store.alerts.states import Finding
from agentlogger.store.positions import SECOND_NS
from agentlogger.store.rows import Row
from agentlogger.store.scope import OperatorScope, ProjectScope

EVERY_SECONDS = 10.0
"""How often: the shortest window is a minute, and an evaluation takes some milliseconds."""

READINGS = 20
"""Readings of what has arrived for a project, at most, until the next one has its turn: 40,000
records each ten seconds, or as many as come at 4,000 a second."""

PROJECT_SECONDS = 30.0
"""How long one project may be counted for, until the next one has its turn: a slow query takes
five, and is tried once in each evaluation."""

BEHIND = "Not everything that has arrived is counted yet: more comes than is counted."
NO_ROOM = (
    "Not everything is counted: too many sessions or users for one alert. Take a shorter window, "
    "or a query that is like fewer records."
)

PAUSE_SECONDS = 120
"""Longer than that without an evaluation, and nobody has watched: it is looked every ten seconds,
and the next worker takes over within half a minute."""

EVALUATES = OperatorScope("one worker evaluates the alerts of all projects")


def evaluate(turn: Turn, now: Callable[[], int] = time.time_ns) -> None:
    """Evaluate every alert once, project by project. Raises LeaseLost, DatabaseUnavailable."""
    rules = alerts.enabled(EVALUATES)
    for project_id, of_project in groupby(rules, key=itemgetter("project_id")):
        if turn.stopped.is_set():
            return
        turn.keep()
        _evaluate(ProjectScope(project_id), list(of_project), turn, now)


def _evaluate(scope: ProjectScope, rules: list[Row], turn: Turn, now: Callable[[], int]) -> None:
    noted = _count(scope, [rule for rule in rules if rule["kind"] == "count"], turn, now)
    firing = alert_states.firing(scope, rules)
    findings = []
    for rule in rules:
        moment_ns = now()
        watched_ns = _watched_since(rule, moment_ns)
        said = noted.get(rule["id"], _Said())
        if said.began_anew:
            watched_ns = moment_ns
        finding = Finding(rule, watched_ns, problem=said.problem, note=said.note)
        if said.problem is None:
            finding = _found(scope, finding, firing[rule["id"]], moment_ns)
        findings.append(finding)
        turn.keep()
    alert_states.settle(scope, findings, turn.lease, now())


def _watched_since(rule: Row, moment_ns: int) -> int:
    """Since when a rule has been evaluated without a pause."""
    has_paused = moment_ns - rule["evaluated_ns"] > PAUSE_SECONDS * SECOND_NS
    return moment_ns if has_paused else int(rule["watched_ns"])


def _found(
    scope: ProjectScope, finding: Finding, firing: dict[str, int], moment_ns: int
) -> Finding:
    rule, watched_ns = finding.rule, finding.watched_ns
    try:
        found = alert_values.of_rule(scope, rule, firing, moment_ns, watched_ns)
    except QueryTooSlow as slow:
        return Finding(rule, watched_ns, problem=str(slow))
    return Finding(rule, watched_ns, found, note=finding.note)


class _Said:
    """What counting on says of a rule."""

    def __init__(self) -> None:
        self.began_anew = False
        self.problem: str | None = None
        self.note: str | None = None


def _count(
    scope: ProjectScope, rules: list[Row], turn: Turn, now: Callable[[], int]
) -> dict[uuid.UUID, _Said]:
    """Count what has arrived: together for all rules at one position, which most are."""
    said: dict[uuid.UUID, _Said] = defaultdict(_Said)
    groups = [list(group) for _, group in groupby(sorted(rules, key=_place), key=_place)]
    batches = [groups] if groups else []
    until = time.monotonic() + PROJECT_SECONDS
    for _ in range(READINGS):
        rest: list[list[list[Row]]] = []
        for batch in batches:
            if time.monotonic() > until:
                rest.append(batch)
                continue
            turn.keep()
            try:
                left = _count_on(scope, batch, turn, now(), said)
            except QueryTooSlow as slow:
                alone = [[rule] for group in batch for rule in group]
                if len(alone) == 1:
                    said[alone[0][0]["id"]].problem = str(slow)
                else:
                    # One of them is slow: each by itself, so that only that one is held up.
                    rest += [[group] for group in alone]
            else:
                rest += [left] if left else []
        batches = rest
        if not batches or turn.stopped.is_set():
            break
    for rule in (rule for batch in batches for group in batch for rule in group):
        said[rule["id"]].note = BEHIND
    return said


def _count_on(
    scope: ProjectScope,
    batch: list[list[Row]],
    turn: Turn,
    moment_ns: int,
    said: dict[uuid.UUID, _Said],
) -> list[list[Row]]:
    """One reading for groups of rules; those of which something is left to be read."""
    left = []
    for group, progress in zip(
        batch, alert_counts.count_on(scope, batch, turn.lease, moment_ns), strict=True
    ):
        for rule in group:
            rule["position"] = progress.position
            said[rule["id"]].began_anew |= progress.began_anew
            if rule["id"] in progress.left_out:
                said[rule["id"]].note = NO_ROOM
        if not progress.is_complete:
            left.append(group)
    return left


def _place(rule: Row) -> str:
    return rule["position"] or ""
