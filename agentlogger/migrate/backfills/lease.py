"""Who works on a backfill: one at a time, by its row, so that a pooler may stand between.

Each batch locks the row and reads the cursor under that lock, so two workers could never do one
batch twice, whatever their clocks say. The lease only spares the others from trying.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from agentlogger.migrate.backfills.progress import FINISHED, NANOSECONDS, PAUSED, PENDING, RUNNING
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.tables import BACKFILLS

LEASE_SECONDS = 15.0
"""Several batches, and far longer than the looks between them; a killed worker on this machine is
known to be dead at once."""

GONE = "gone"
"""Its revision was taken back."""
BUSY = "busy"
"""Somebody else works on it."""


def owner() -> str:
    """A name for a worker: of this process, and of no other worker in it."""
    return f"{instances.name_of_this()}:{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Held:
    """A backfill's row, locked for this transaction; or why it is not."""

    row: Any
    ended: str
    """GONE, BUSY, PAUSED or FINISHED; "" where it is held."""


def hold(connection: Connection, name: str, by: str) -> Held:
    """Lock a backfill's row for this transaction, unless somebody else works on it."""
    asked = select(BACKFILLS).where(BACKFILLS.c.name == name)
    row = connection.execute(asked).one_or_none()
    if row is not None and _is_anothers(row, by):
        return Held(row, BUSY)
    row = connection.execute(asked.with_for_update()).one_or_none()
    if row is None:
        return Held(None, GONE)
    if _is_anothers(row, by):
        return Held(row, BUSY)
    return Held(row, row.state if row.state in {PAUSED, FINISHED} else "")


def keep(connection: Connection, name: str, by: str, **told: Any) -> None:
    """Write what has changed, and that this worker goes on. The caller commits."""
    now = time.time_ns()
    values = {
        "state": RUNNING, "changed_ns": now, "lease_owner": by,
        "lease_until_ns": now + int(LEASE_SECONDS * NANOSECONDS), **told,
    }  # fmt: skip
    connection.execute(BACKFILLS.update().where(BACKFILLS.c.name == name).values(values))


def release(connection: Connection, name: str, by: str, waiting_for: str = "") -> None:
    """Leave it to others, if this worker has it. The caller commits."""
    own = (BACKFILLS.c.name == name) & (BACKFILLS.c.lease_owner == by)
    left = {"lease_owner": None, "lease_until_ns": None, "rows_per_second": None}
    connection.execute(BACKFILLS.update().where(own).values(left | {"waiting_for": waiting_for}))
    connection.execute(
        BACKFILLS.update()
        .where((BACKFILLS.c.name == name) & (BACKFILLS.c.state == RUNNING))
        .where(BACKFILLS.c.lease_owner.is_(None))
        .values(state=PENDING)
    )


def _is_anothers(row: Any, by: str) -> bool:
    if row.lease_owner is None or row.lease_owner == by or row.state in {PAUSED, FINISHED}:
        return False
    if (row.lease_until_ns or 0) < time.time_ns():
        return False
    host, pid, *_ = row.lease_owner.split(":")
    return not instances.is_dead(host, int(pid))
