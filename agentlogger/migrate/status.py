"""The whole of a database's state in one answer, for `flask db status` and for the page."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection

from agentlogger.migrate.backfills.progress import backfills
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.edited import edited
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.history import NANOSECONDS, Entry, unended
from agentlogger.migrate.ledger.window import judge
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.run.lock import Holder
from agentlogger.migrate.task import DIALECTS

CLOCKS_APART_SECONDS = 1.0
"""How far the clock of the migrator, which dates the history, may be behind the database's."""


def status(
    connection: Connection, state: State, *, url: URL, folder: Path, program: str, has_key: bool
) -> Mapping[str, Any]:
    """What the database is and has, as JSON would say it; the keys are stable.

    `state` is the database behind this connection beside the revisions of `folder`; `url` is where
    it is migrated. Nothing is waited for but the answers of this connection.
    """
    dialect = DIALECTS[url.get_backend_name()]
    verdict = judge(state)
    phases = {one.phase for one in state.pending}
    holder = dialect.holder(url, connection)
    running, interrupted = _unended(state, holder)
    return {
        "database": url.render_as_string(hide_password=True),
        "program": program,
        "revision": list(state.heads),
        "heads": list(state.tree_heads),
        "place": state.place,
        "acceptable": verdict.acceptable,
        "sentence": verdict.sentence,
        "phase": "contract" if phases and phases <= {"contract"} else _phase(phases),
        "pending": [_pending(one) for one in state.pending],
        "ahead": list(state.unknown),
        "edited": [entry.revision for entry, _ in edited(state)],
        "running": running,
        "interrupted": interrupted,
        "leftovers": [
            {"kind": one.kind, "name": one.name, "table": one.table}
            for one in dialect.leftovers(connection)
        ],
        "backfills": [one.as_json() for one in backfills(connection)],
        "snapshots": _snapshots(dialect.snapshots(url)),
        "lock": _lock(holder),
        "instances": _instances(connection),
        "long_transactions": dialect.long_transactions(connection),
        "sum": _sum(folder, state),
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


def _snapshots(paths: Iterable[Path]) -> list[dict[str, Any]]:
    found = []
    for path in paths:
        try:
            found.append({"file": str(path), "bytes": path.stat().st_size})
        except FileNotFoundError:
            # A migration has just removed the oldest.
            continue
    return found


def _lock(holder: Holder | None) -> dict[str, Any] | None:
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


def _phase(phases: set[str]) -> str | None:
    """The first phase that is pending: what the next upgrade begins with."""
    order = ("expand", "online", "backfill", "undeclared", "contract")
    return next((phase for phase in order if phase in phases), None)


def _unended(
    state: State, holder: Holder | None
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The revision that is being run now, and those whose run was killed, oldest first."""
    found = [
        entry
        for revision in {entry.revision for entry in state.history}
        for direction in ("up", "down")
        if (entry := unended(state.history, revision, direction)) is not None
    ]
    found.sort(key=lambda entry: entry.id)
    running = found.pop() if found and _is_run_by(holder, found[-1]) else None
    return None if running is None else _begun(running), [_begun(entry) for entry in found]


def _is_run_by(holder: Holder | None, entry: Entry) -> bool:
    """Whether the migrator that is at work has begun this, and not one that was killed before."""
    if holder is None:
        return False
    since = 0.0 if holder.seconds is None else time.time() - holder.seconds
    return entry.begun_ns / NANOSECONDS >= since - CLOCKS_APART_SECONDS


def _begun(entry: Entry) -> dict[str, Any]:
    return {"revision": entry.revision, "direction": entry.direction, "begun": entry.when}


def _sum(folder: Path, state: State) -> list[str]:
    try:
        found = seals.verify(folder, state.revisions)
    except Refused as refused:
        return [str(refused)]
    return [finding.sentence for finding in found]
