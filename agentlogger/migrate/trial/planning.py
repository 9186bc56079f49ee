"""How a plan is made: the pending revisions run on a sample, and what that says of the whole.

The live database is only read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import sqrt

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.durations import duration
from agentlogger.migrate.explaining import explained_fault
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown
from agentlogger.migrate.revisions.recording import dialect_of
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import confined
from agentlogger.migrate.trial.estimating import (
    Estimate,
    Tables,
    Wait,
    estimate_spent,
    estimates,
)
from agentlogger.migrate.trial.observing import Observed, Spent
from agentlogger.migrate.trial.pending import Facts, Pending, read
from agentlogger.migrate.trial.plan import Line, Plan, Planned
from agentlogger.migrate.trial.progress import progress
from agentlogger.migrate.trial.sampling import Amount
from agentlogger.migrate.trial.simulating import Simulation, simulate
from agentlogger.migrate.trial.unsimulated import rendered

SMALL_ROWS = 5_000
"""Of each larger table, in the first run."""

LARGE_ROWS = 200_000
"""Of each larger table, in the second run, where that does not take too long."""

WHOLE_ROWS = 100_000
"""A table with no more is taken whole in both, so that what is joined with it finds its rows."""

PATIENCE_SECONDS = 60.0
"""How long the second run may take even where its work grows with the square of the rows."""

AGAIN_SECONDS = 5.0
"""A second run that was shorter is made again, and the faster time of each statement counts: what
else the machine does must not be taken for the statement's cost."""

FAILS = "it would fail"
RUNS_OUT = "it took too long to be tried to its end"

LOOKS = re.compile(r"\s*(?:SELECT|PRAGMA|SHOW|SET|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
"""What only asks the catalogue when it touches no table's rows."""


def plan(task: Task, destination: str) -> Plan:
    """What `upgrade` to this destination would do. `-x phase=` counts as it does there.

    Raises what `upgrade` raises of a destination, Unreachable, and Failed where the history itself
    cannot be replayed in a scratch database.
    """
    with progress("Reading the database"):
        facts = read(task, destination)
    assert task.state is not None  # noqa: S101  (read with the facts)
    made = Plan(
        database=task.url.render_as_string(hide_password=True),
        program=task.program,
        heads=task.state.heads,
        destination=destination,
        phase=task.options.word("phase"),
        is_simulated=True,
        notes=facts.notes,
        tables={},
        long_transactions=facts.long_transactions,
        revisions=(),
        failure=None,
    )
    if not facts.pending:
        return made
    try:
        small, large = _simulations(task, facts.pending)
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, "the plan") from fault
    except _NoScratch as none:
        return replace(
            made,
            is_simulated=False,
            notes=(*made.notes, none.sentence),
            revisions=tuple(_unsimulated(task, one, facts) for one in facts.pending),
        )
    return replace(
        made,
        notes=(*made.notes, *_elsewhere(task), *_notes(large), *_left(facts, large)),
        tables=large.sampled,
        revisions=tuple(_planned(task, facts, small, large)),
        failure=large.failure,
    )


class _NoScratch(Exception):  # noqa: N818  (it is what happened)
    """There is no scratch database to be had."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def _simulations(task: Task, pending: Sequence[Pending]) -> tuple[Simulation | None, Simulation]:
    """A run with few rows, where there are more of them, and one with as many as time allows."""
    first = Amount(most=SMALL_ROWS, whole=WHOLE_ROWS)
    small = _simulated(task, pending, first, "Trying with a small sample")
    if small.ran_out:
        first = Amount(most=SMALL_ROWS // 5, whole=SMALL_ROWS // 5)
        small = _simulated(task, pending, first, "Trying with a smaller sample")
    if small.is_whole or small.ran_out:
        return None, small
    # At worst the work grows with the square of the rows.
    times = sqrt(PATIENCE_SECONDS / max(small.seconds, 0.001))
    rows = min(LARGE_ROWS, round(first.most * max(4.0, times)))
    second = Amount(most=rows, whole=max(rows, first.whole))
    large = _simulated(task, pending, second, "Trying with a larger sample")
    if large.ran_out:
        return None, small
    if large.failure is None and large.seconds < AGAIN_SECONDS:
        large.take_faster(_simulated(task, pending, second, "Trying with a larger sample again"))
    # A row that stops a revision does so whether or not another sample has it.
    large.failure = large.failure or small.failure
    return small, large


def _simulated(task: Task, pending: Sequence[Pending], amount: Amount, label: str) -> Simulation:
    with progress(label) as told, ExitStack() as stack:
        try:
            place = stack.enter_context(task.dialect.scratch(task.url, task.options))
        except Refused as refused:
            if type(refused) is not Refused:
                raise
            raise _NoScratch(
                f"{refused} So nothing was simulated: the statements are those of `--sql`, "
                "without times."
            ) from refused
        return simulate(task, pending, place, amount, lambda done: told(done, len(pending)))


def _elsewhere(task: Task) -> list[str]:
    named = task.options.word("scratch") or task.options.text("MIGRATE_SCRATCH_URL")
    if named is None or task.url.host is None:
        return []
    place = make_url(named)
    if (place.host, place.port) == (task.url.host, task.url.port):
        return []
    return [f"The scratch database is on {place.host}, so the times are those of that server."]


def _notes(large: Simulation) -> list[str]:
    found = []
    if large.ran_out:
        found.append(
            "Even with a small sample it took too long, so only its beginning was tried; the "
            "statements after that are those of `--sql`."
        )
    if not large.is_whole:
        found.append(
            "Tried with a sample of the rows: what only another row would make fail does not show."
        )
    found += [
        f"No rows of {name} could be taken ({one.reason}), so what has to do with them is not "
        "estimated."
        for name, one in large.sampled.items()
        if one.reason
    ]
    if large.beside:
        found.append(
            f"Beside the history stand {', '.join(large.beside)}: they were not there when the "
            "revisions were tried."
        )
    return found


def _left(facts: Facts, large: Simulation) -> list[str]:
    """What is filled after the upgrade, and what the upgrade stops before because of it."""
    found = []
    for name, rows in large.left:
        waiting = [one for one in facts.pending if name in one.revision.needs_backfills]
        stops = "".join(
            f" The upgrade stops before {one.revision.revision} ({one.revision.message}), which "
            "needs it; run it again then."
            for one in waiting[:1]
        )
        found.append(
            f"The backfill {name} of about {rows:,} rows is left for later: a running service does "
            f"it in batches, or `flask db backfill run {name}`.{stops}"
        )
    return found


@dataclass(frozen=True)
class _Cost:
    """What a revision will take on the live database."""

    statements: tuple[Estimate, ...]
    spent: Spent
    ended: str
    """Why it was not tried to its end; "" where it was."""

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.statements) + self.spent.code + self.spent.commit


def _planned(
    task: Task, facts: Facts, small: Simulation | None, large: Simulation
) -> list[Planned]:
    tables = Tables(small.sampled if small is not None else None, large.sampled)
    found = estimates(small.observed if small is not None else None, large.observed, tables)
    made = []
    for one in facts.pending:
        name = one.revision.revision
        if name not in large.spent:
            # What comes after a failure does not matter yet.
            made += [_unsimulated(task, one, facts)] if large.ran_out else []
            continue
        own = tuple(each for each in found if each.observed.revision == name)
        before = small.spent.get(name) if small is not None else None
        spent = estimate_spent(before, large.spent[name], own, tables)
        ended = ""
        if large.failure is not None and large.failure.revision == name:
            ended = FAILS
        elif large.ran_out and name == list(large.spent)[-1]:
            ended = RUNS_OUT
        made.append(_put_together(task, facts, one, _Cost(own, spent, ended)))
    return made


def _put_together(task: Task, facts: Facts, one: Pending, cost: _Cost) -> Planned:
    looks = [each for each in cost.statements if _is_look(each.observed)]
    module = one.step.revision.module
    waits = task.dialect.waits(cost.statements, cost.seconds, task.options, module)
    too_long = [wait for wait in waits if wait.is_too_long]
    return Planned(
        revision=one.revision,
        upgrade_takes=facts.upgrade_takes[one.revision.revision],
        downgrade_takes=facts.downgrade_takes[one.revision.revision],
        lines=tuple(_line(each) for each in cost.statements if each not in looks),
        seconds=None if cost.ended else cost.seconds,
        code_seconds=cost.spent.code + sum(each.seconds for each in looks),
        commit_seconds=cost.spent.commit,
        waits=tuple(waits),
        is_complete=not cost.ended,
        safe=None if cost.ended == RUNS_OUT else not cost.ended and not too_long,
        reason=cost.ended or _reason(too_long or waits),
    )


def _reason(waits: Sequence[Wait]) -> str:
    if not waits:
        return "no client waits for a lock"
    return "; ".join(
        f"{one.lock} on {one.what} stops {one.stops} for {duration(one.seconds)}" for one in waits
    )


def _is_look(one: Observed) -> bool:
    return not one.error and not one.seen.touched and bool(LOOKS.match(one.sql))


def _line(one: Estimate) -> Line:
    seen = one.observed
    return Line(
        sql=seen.sql.strip(),
        parameters=seen.parameters,
        file=shown(seen.path),
        line=seen.line,
        executions=one.executions,
        seconds=one.seconds,
        measured_seconds=seen.seconds,
        transaction=seen.transaction,
        read=one.read,
        written=one.written,
        locks=seen.seen.locks,
        rewrites=tuple(sorted(seen.seen.rewritten)),
        indexes=tuple(sorted(seen.seen.indexed)),
        error=seen.error,
    )


def _unsimulated(task: Task, one: Pending, facts: Facts) -> Planned:
    with confined(None):
        statements, is_complete = rendered(one.step.revision.module.upgrade, dialect_of(task.url))
    revision = one.revision
    return Planned(
        revision=revision,
        upgrade_takes=facts.upgrade_takes[revision.revision],
        downgrade_takes=facts.downgrade_takes[revision.revision],
        lines=tuple(_text(sql, task, revision) for sql in statements),
        seconds=None,
        code_seconds=None,
        commit_seconds=None,
        waits=(),
        is_complete=is_complete,
        safe=None,
        reason="not simulated",
    )


def _text(sql: str, task: Task, revision: Declared) -> Line:
    mode = task.dialect.lock_by_text(sql)
    return Line(
        sql=sql,
        parameters="",
        file=shown(revision.path),
        line=None,
        executions=1,
        seconds=None,
        measured_seconds=None,
        transaction=0,
        read=None,
        written=None,
        locks={"": mode} if mode is not None else {},
        rewrites=(),
        indexes=(),
    )
