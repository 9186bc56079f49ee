"""The whole of a database's state in one answer, for `flask db status` and for the page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from agentlogger.migrate.backfills.progress import backfills
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.history import unended
from agentlogger.migrate.ledger.window import judge
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.run.working import edited
from agentlogger.migrate.task import Task


def status(task: Task, connection: Connection, *, has_key: bool) -> Mapping[str, Any]:
    """What the database is and has, as JSON would say it; the keys are stable."""
    state = task.state
    assert state is not None  # noqa: S101  (asked for with the connection)
    verdict = judge(state)
    phases = {one.phase for one in state.pending}
    return {
        "database": task.url.render_as_string(hide_password=True),
        "program": task.program,
        "revision": list(state.heads),
        "heads": list(state.tree_heads),
        "place": _place(state),
        "acceptable": verdict.acceptable,
        "sentence": verdict.sentence,
        "phase": "contract" if phases and phases <= {"contract"} else _phase(phases),
        "pending": [_pending(one) for one in state.pending],
        "ahead": list(state.unknown),
        "edited": [entry.revision for entry, _ in edited(state)],
        "interrupted": _interrupted(state),
        "leftovers": [
            {"kind": one.kind, "name": one.name, "table": one.table}
            for one in task.dialect.leftovers(connection)
        ],
        "backfills": [one.as_json() for one in backfills(connection)],
        "snapshots": [
            {"file": str(path), "bytes": path.stat().st_size}
            for path in task.dialect.snapshots(task.url)
        ],
        "lock": _lock(task),
        "instances": _instances(connection),
        "long_transactions": task.dialect.long_transactions(connection),
        "sum": _sum(task),
        "signed": has_key and all(entry.signature for entry in state.history),
    }


def _pending(one: Declared) -> dict[str, Any]:
    return {
        "revision": one.revision,
        "message": one.message,
        "phase": one.phase,
        "release": one.release,
        "reversible": one.reversible,
    }


def _lock(task: Task) -> dict[str, Any] | None:
    holder = task.dialect.holder(task.url)
    if holder is None:
        return None
    return {
        "pid": holder.pid,
        "host": holder.host,
        "seconds": holder.seconds,
        "doing": holder.doing,
    }


def _instances(connection: Connection) -> list[dict[str, Any]]:
    return [
        {
            "version": one.version,
            "heads": list(one.heads),
            "host": one.host,
            "pid": one.pid,
            "seen_seconds_ago": round((time.time_ns() - one.seen_ns) / 10**9, 1),
            "p99_ms": one.p99_ms,
        }
        for one in instances.alive(connection)
    ]


def _place(state: State) -> str:
    if state.unknown:
        return "ahead"
    if not state.heads:
        return "empty"
    if len(state.tree_heads) > 1:
        return "several heads"
    return "behind" if state.pending else "at head"


def _phase(phases: set[str]) -> str | None:
    """The first phase that is pending: what the next upgrade begins with."""
    order = ("expand", "online", "backfill", "undeclared", "contract")
    return next((phase for phase in order if phase in phases), None)


def _interrupted(state: State) -> list[dict[str, Any]]:
    found = []
    for revision in {entry.revision for entry in state.history}:
        for direction in ("up", "down"):
            killed = unended(state.history, revision, direction)
            if killed is not None:
                found.append({"revision": revision, "direction": direction, "begun": killed.when})
    return found


def _sum(task: Task) -> list[str]:
    try:
        found = seals.verify(task.folder, task.revisions)
    except Refused as refused:
        return [str(refused)]
    return [finding.sentence for finding in found]
