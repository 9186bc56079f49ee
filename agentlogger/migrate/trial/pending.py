"""What an upgrade would apply, read from a database that is left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.backfills.guard import unfinished
from agentlogger.migrate.backfills.progress import backfills
from agentlogger.migrate.causes import Ahead, BadOption, Unknown
from agentlogger.migrate.explaining import ahead, explained_fault, refuse_squashed_away
from agentlogger.migrate.ledger.edited import edited
from agentlogger.migrate.ledger.graph import state_of
from agentlogger.migrate.ledger.window import judge, until_contract
from agentlogger.migrate.revisions.declared import YES, Declared
from agentlogger.migrate.revisions.recording import Recorded, record
from agentlogger.migrate.run.losses import losses
from agentlogger.migrate.run.steps import (
    RELATIVE,
    forth,
    refuse_several_heads,
    refused_without_function,
    upgrades,
)
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.confining import confined


@dataclass(frozen=True)
class Pending:
    """A step that an upgrade would take."""

    step: Any
    """Alembic's."""
    revision: Declared
    recorded: Recorded


@dataclass(frozen=True)
class Facts:
    """What the live database says."""

    pending: tuple[Pending, ...]
    upgrade_takes: Mapping[str, tuple[str, ...]]
    downgrade_takes: Mapping[str, tuple[str, ...]]
    long_transactions: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def read(task: Task, destination: str) -> Facts:
    """What an upgrade to this destination would apply, and what it has to do with.

    Makes the task's state known. Raises what `upgrade` raises of a destination, and Unreachable.
    """
    engine = task.dialect.make_reader(task.url)
    try:
        with engine.connect() as connection:
            task.state = state_of(connection, task.revisions)
            steps, held = _steps(task, destination)
            pending = []
            takes, drops = {}, {}
            for step in steps:
                revision = task.state.known[step.revision.revision]
                module = step.revision.module
                with confined(None):
                    recorded = record(module.upgrade, connection.dialect)
                pending.append(Pending(step, revision, recorded))
                takes[revision.revision] = _takes(connection, task, revision, recorded)
                drops[revision.revision] = _drops(connection, task, revision, module)
            return Facts(
                pending=tuple(pending),
                upgrade_takes=takes,
                downgrade_takes=drops,
                long_transactions=tuple(task.dialect.long_transactions(connection)),
                notes=(*held, *_refusals(task), *_unfinished(connection, pending)),
            )
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, "the plan") from fault
    finally:
        engine.dispose()


def _unfinished(connection: Connection, pending: Sequence[Pending]) -> list[str]:
    """Which revisions wait for a backfill that the database has."""
    known = {one.name: one for one in backfills(connection)}
    return [
        unfinished(one.revision, known[name])
        for one in pending
        for name in one.revision.needs_backfills
        if name in known and not known[name].is_finished
    ]


def _steps(task: Task, destination: str) -> tuple[list[Any], list[str]]:
    """The steps that `upgrade` would take, and what it would leave for later, as sentences."""
    state = task.state
    assert state is not None  # noqa: S101  (looked up before)
    if state.unknown:
        if not judge(state).acceptable or state.pending or destination not in {"head", "heads"}:
            raise Ahead(ahead(state))
        return [], [ahead(state)]
    refuse_squashed_away(state)
    refuse_several_heads(state, destination)
    relative = RELATIVE.fullmatch(destination)
    if relative and relative["sign"] == "+":
        steps: list[Any] = upgrades(task.script, forth(state, int(relative["count"])))
    else:
        steps = _asked_of_alembic(task, destination)
    phase = task.options.word("phase")
    if phase not in {None, "expand", "contract"}:
        raise BadOption(f"The phase is {phase!r}, and must be expand or contract.")
    before, contract = until_contract([state.known[one.revision.revision] for one in steps])
    if phase != "expand" or contract is None:
        return steps, []
    kept = {one.revision for one in before}
    later = (
        f"The contract {contract.revision} ({contract.message}) and what follows it are left for "
        "`flask db upgrade --phase contract`."
    )
    return [one for one in steps if one.revision.revision in kept], [later]


def _asked_of_alembic(task: Task, destination: str) -> list[Any]:
    assert task.state is not None  # noqa: S101  (looked up before)
    try:
        with refused_without_function():
            # Alembic's own `upgrade` asks the same.
            return list(task.script._upgrade_revs(destination, task.state.heads))  # type: ignore[arg-type]  # noqa: SLF001  (no public reading)
    except AssertionError as fault:
        # Of a number of steps that leads nowhere it takes for granted that it does not occur.
        raise Unknown(
            f"'{destination}' leads to no revision from where the database is: "
            "`flask db history -i` shows which there are."
        ) from fault


def _refusals(task: Task) -> list[str]:
    assert task.state is not None  # noqa: S101  (looked up before)
    return [
        f"Revision {entry.revision} was applied from another text than {revision.path.name} has "
        "now, so an upgrade is refused until it is put back."
        for entry, revision in edited(task.state)
    ]


def _takes(
    connection: Connection, task: Task, revision: Declared, recorded: Recorded
) -> tuple[str, ...]:
    # What it cannot tell shows in its statements.
    told = replace(revision, reversible=YES)
    found = losses(connection, task.dialect, told, recorded)
    return tuple(str(loss) for loss in found if loss.rows)


def _drops(connection: Connection, task: Task, revision: Declared, module: Any) -> tuple[str, ...]:
    if not hasattr(module, "downgrade"):
        return ()
    with confined(None):
        recorded = record(module.downgrade, connection.dialect)
    return tuple(loss.what for loss in losses(connection, task.dialect, revision, recorded))
