"""Which revisions a command means: Alembic's own answer, or ours where it finds two.

A step back goes by the order in which the database got its revisions, which only its history
knows; so `downgrade -1` after a merge takes back what came last, and never is ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory

from agentlogger.migrate.causes import Ambiguous, SeveralHeads, Unknown, Unreadable, WouldLose
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import sentence_for_several_heads, shown

RELATIVE = re.compile(r"(?P<sign>[+-])(?P<count>\d+)")


def back(state: State, count: int) -> list[str]:
    """The last `count` revisions that the database got, last first. Raises Unknown."""
    order = state.applied_order()
    if count > len(order):
        raise Unknown(
            f"The database has {len(order)} revisions, and {count} cannot be taken back: "
            "`flask db downgrade base` takes back all of them."
        )
    return order[::-1][:count]


def forth(state: State, count: int) -> list[str]:
    """The next `count` revisions, where each of them is the only one that can be next.

    Raises Ambiguous where two branches could both go on, and Unknown where fewer are left.
    """
    applied = set(state.applied)
    chosen: list[str] = []
    while len(chosen) < count:
        ready = [
            one
            for one in state.revisions
            if one.revision not in applied and set(one.parents) <= applied
        ]
        if not ready:
            raise Unknown(
                f"{len(chosen)} of the {count} revisions asked for are left to apply, so nothing "
                "was done: `flask db upgrade head` applies all that are pending."
            )
        if len(ready) > 1:
            raise Ambiguous(
                f"The next revision could be any of {_names(ready)}, which stand on different "
                f"branches: name one (`flask db upgrade {ready[0].revision}`), or merge them "
                f'(`flask db merge -m "merge branches" {" ".join(state.tree_heads)}`).'
            )
        applied.add(ready[0].revision)
        chosen.append(ready[0].revision)
    return chosen


def upgrades(script: ScriptDirectory, chosen: Sequence[str]) -> list[MigrationStep]:
    """The steps that apply these revisions, in this order. Raises Refused."""
    with refused_without_function():
        return [
            MigrationStep.upgrade_from_script(script.revision_map, script.get_revision(one))
            for one in chosen
        ]


def downgrades(script: ScriptDirectory, chosen: Sequence[str]) -> list[MigrationStep]:
    """The steps that take these revisions back, in this order. Raises Refused."""
    with refused_without_function():
        return [
            MigrationStep.downgrade_from_script(script.revision_map, script.get_revision(one))
            for one in chosen
        ]


@contextmanager
def refused_without_function() -> Iterator[None]:
    """Raise a cause where Alembic is about to take a function that a revision does not have."""
    try:
        yield
    except AttributeError as fault:
        revision, path = (getattr(fault.obj, name, None) for name in ("revision", "__file__"))
        if fault.name not in {"upgrade", "downgrade"} or not revision or not path:
            raise
        file = shown(Path(path))
        if fault.name == "upgrade":
            raise Unreadable(
                f"{file} has no upgrade(): write one, if only with `pass`, then run the same "
                "command again."
            ) from fault
        raise WouldLose(
            f"Revision {revision} has no downgrade(), so it cannot be taken back: restore a copy "
            f"of the database instead, or write one in {file} and record the new text with "
            f"-x allow-edited={revision}."
        ) from fault


def is_stamp(step: MigrationStep) -> bool:
    """Whether a step only writes the version row: it has no revision's function to run."""
    return not hasattr(step, "revision")


def refuse_several_heads(state: State, destination: str) -> None:
    """Raise SeveralHeads where `head` is asked for and there are more."""
    if destination == "head" and len(state.tree_heads) > 1:
        raise SeveralHeads(sentence_for_several_heads(state.revisions, state.tree_heads))


def _names(revisions: Sequence[Declared]) -> str:
    return ", ".join(f"{one.revision} ({one.message})" for one in revisions)
