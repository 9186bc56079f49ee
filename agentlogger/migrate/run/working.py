"""Commands that change the schema: under the lock, after every question has been asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Ahead, BadOption, Busy, Edited, Unknown, first_line
from agentlogger.migrate.explaining import ahead, refuse_squashed_away
from agentlogger.migrate.ledger import history, instances, tables, window
from agentlogger.migrate.ledger.edited import edited, sentence_for_edited
from agentlogger.migrate.ledger.graph import State, state_of
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.options import LOCK_TIMEOUT, LOCK_WAIT
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.recording import record
from agentlogger.migrate.run.blocking import refuse_long_blocks
from agentlogger.migrate.run.lock import Lock, held
from agentlogger.migrate.run.losses import Names, losses, refuse
from agentlogger.migrate.run.replacing import record_replaced, refuse_many_as_one
from agentlogger.migrate.run.running import Run, Surroundings
from agentlogger.migrate.run.steps import (
    RELATIVE,
    back,
    downgrades,
    forth,
    is_stamp,
    refuse_several_heads,
    refused_without_function,
    upgrades,
)
from agentlogger.migrate.task import Task


def work(task: Task) -> None:
    """Upgrade, downgrade or stamp. Raises Refused, CommandError and DBAPIError."""
    lock = task.dialect.make_lock(task.url, task.doing)
    # Before the heads are read: of two upgrades at once the second finds nothing left to do.
    with held(lock, wait_seconds=task.options.number(LOCK_WAIT)):
        engine = task.dialect.make_engine(task.url, writes=True)
        try:
            with engine.connect() as connection:
                lock.watch(connection)
                _make_tables(task, connection)
                _work(task, connection, lock)
        except DBAPIError as fault:
            if not task.dialect.is_passing(fault):
                raise
            raise Busy(
                f"Nothing was done, since another transaction holds what `{task.doing}` looks at "
                f"first ({first_line(fault)}): end it, then run the "
                "same command again."
            ) from fault
        finally:
            engine.dispose()


def _make_tables(task: Task, connection: Connection) -> None:
    """Make what the room keeps for itself; running servers read it, so no lock is waited for."""
    bound = task.options.number(LOCK_TIMEOUT)
    task.dialect.bound(connection, lock_timeout=bound, statement_timeout=0)
    tables.make(connection)
    task.dialect.bound(connection, lock_timeout=0, statement_timeout=0)


def _work(task: Task, connection: Connection, lock: Lock) -> None:
    arguments = task.arguments | dict(task.dialect.CONTEXT_ARGUMENTS)
    arguments |= {"target_metadata": task.metadata}
    state = task.state = state_of(connection, task.revisions)
    connection.rollback()
    context.configure(connection=connection, **arguments)
    steps = _settle(task, state, connection)
    connection.rollback()
    if not steps:
        record_replaced(task, state, connection)
        return
    if state.heads and not any(map(is_stamp, steps)):
        kept = task.dialect.snapshot(
            task.url, task.options, [step.revision.revision for step in steps]
        )
        if kept is not None:
            _say(task, f"Snapshot: {kept}")
    record_replaced(task, state, connection)
    _note_unsealed(task, steps)
    keys = keys_of(current_app.config)
    surroundings = Surroundings(
        url=task.url,
        dialect=task.dialect,
        options=task.options,
        connection=connection,
        lock=lock,
        program=task.program,
        key=keys[0] if keys else None,
        keys=keys,
        arguments=arguments,
    )
    Run(surroundings, state, steps).go()


def _settle(task: Task, state: State, connection: Connection) -> Sequence[Any]:
    """The steps that the command means, once nothing speaks against them. Raises Refused."""
    given = context.get_context().opts["fn"]
    destination = context.get_context().opts["destination_rev"]
    if given.__name__ == "upgrade":
        refuse_edited(task, state, connection)
        return _settle_upgrade(task, state, connection, str(destination), given)
    if given.__name__ == "downgrade":
        refuse_edited(task, state, connection)
        return _settle_downgrade(task, state, connection, str(destination), given)
    heads = () if context.get_context().purge else state.heads
    return list(given(heads, context.get_context()))


def _asked_of_alembic(given: Any, state: State, destination: str) -> list[Any]:
    """The steps that Alembic takes the destination for. Raises CommandError and Refused."""
    try:
        with refused_without_function():
            return list(given(state.heads, context.get_context()))
    except AssertionError as fault:
        # Of a number of steps that leads nowhere it takes for granted that it does not occur.
        raise Unknown(
            f"'{destination}' leads to no revision from where the database is, so nothing was "
            "done: `flask db history -i` shows which there are."
        ) from fault


def _settle_upgrade(
    task: Task, state: State, connection: Connection, destination: str, given: Any
) -> Sequence[Any]:
    if state.unknown:
        verdict = window.judge(state)
        if not verdict.acceptable or state.pending or destination not in {"head", "heads"}:
            raise Ahead(ahead(state))
        _say(task, ahead(state))
        return []
    refuse_squashed_away(state)
    refuse_several_heads(state, destination)
    relative = RELATIVE.fullmatch(destination)
    if relative and relative["sign"] == "+":
        steps: list[Any] = upgrades(task.script, forth(state, int(relative["count"])))
    else:
        steps = _asked_of_alembic(given, state, destination)
    steps = _until_phase(task, state, steps)
    meant = [state.known[step.revision.revision] for step in steps]
    if not task.options.allows("allow-contract"):
        window.refuse_while_older_lives(meant, state.revisions, instances.alive(connection))
    refuse_long_blocks(task, connection, steps)
    return steps


def _until_phase(task: Task, state: State, steps: list[Any]) -> list[Any]:
    phase = task.options.word("phase")
    if phase is None or phase == "contract":
        return steps
    if phase != "expand":
        raise BadOption(f"The phase is {phase!r}, and must be expand or contract.")
    before, contract = window.until_contract(
        [state.known[step.revision.revision] for step in steps]
    )
    if contract is not None:
        of = f" of release {contract.release}" if contract.release else ""
        _say(
            task,
            f"Stops before the contract {contract.revision}{of} ({contract.message}): finish "
            f"that release first, with `flask db upgrade --phase contract` once no older program "
            "is left.",
        )
    kept = {one.revision for one in before}
    return [step for step in steps if step.revision.revision in kept]


def _settle_downgrade(
    task: Task, state: State, connection: Connection, destination: str, given: Any
) -> Sequence[Any]:
    chosen = context.config.attributes.get("back")
    relative = RELATIVE.fullmatch(destination)
    if state.unknown:
        raise Ahead(ahead(state))
    refuse_squashed_away(state)
    if chosen:
        # Another may have taken some of them back while this one waited for the lock.
        there = [revision for revision in chosen if revision in state.applied]
        steps: list[Any] = downgrades(task.script, there)
    elif relative and relative["sign"] == "-":
        last = back(state, int(relative["count"]))
        refuse_many_as_one(state, last)
        steps = downgrades(task.script, last)
    else:
        steps = _asked_of_alembic(given, state, destination)
    meant = [state.known[step.revision.revision] for step in steps]
    names = Names()
    found = [
        loss
        for step, revision in zip(steps, meant, strict=True)
        for loss in losses(
            connection,
            task.dialect,
            revision,
            record(step.revision.module.downgrade, connection.dialect),
            names,
        )
    ]
    if not task.options.allows("allow-downgrade"):
        dropping = {loss.revision for loss in found if loss.is_dropped}
        # What a program needs before it is ready may be taken without a drop.
        taken = [one for one in meant if one.is_needed_first or one.revision in dropping]
        window.refuse_while_newer_lives(taken, state.revisions, instances.alive(connection))
    for loss in found:
        if loss.rows != 0:
            _say(task, f"The downgrade of {loss.revision} takes {loss}.")
    refuse(meant, found, task.options, protected=task.options.flag("PROTECT_DATA"))
    refuse_long_blocks(task, connection, steps)
    return steps


def refuse_edited(task: Task, state: State, connection: Connection) -> None:
    """Raise Edited where the file of an applied revision is not the one that was applied."""
    carried = context.config.attributes.get("carried", ())
    allowed = set(task.options.words("allow-edited"))
    for entry, revision in edited(state):
        if revision.revision in carried:
            continue
        if revision.revision not in allowed:
            raise Edited(sentence_for_edited(entry, revision))
        history.accept(connection, entry, revision, keys_of(current_app.config))
        connection.commit()


def _note_unsealed(task: Task, steps: Sequence[Any]) -> None:
    """Say which of these were edited since they were sealed; the guide asks for such edits.

    So it is no reason to refuse: `flask db verify` is, which a build runs.
    """
    meant = {step.revision.revision for step in steps if not is_stamp(step)}
    for finding in seals.verify(task.folder, task.revisions):
        if finding.revision in meant:
            said = finding.sentence[:1].upper() + finding.sentence[1:]
            _say(task, f"{said}. Run `flask db seal` before it is committed.")


def _say(task: Task, sentence: str) -> None:
    if not task.is_quiet:
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201
