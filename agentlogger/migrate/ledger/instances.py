"""Which programs use this database now: each says so every few seconds, with its version and heads.

Without it nobody knows that the old program is gone, which is what a contract waits for.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from agentlogger.migrate.ledger.tables import INSTANCES, present

BEAT_SECONDS = 10.0
"""How often a program beats: three beats may be lost before it counts as gone."""

EXPIRY_SECONDS = 30.0

FORGOTTEN_SECONDS = 24 * 3600.0
"""After this a row of a program that never said goodbye is removed."""

NANOSECONDS = 10**9
STARTED_NS = time.time_ns()

INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True)
class Instance:
    """A program that was seen in the last half minute."""

    version: str
    heads: tuple[str, ...]
    host: str
    pid: int
    started_ns: int
    seen_ns: int
    p99_ms: float | None

    def __str__(self) -> str:
        age = max(0, (time.time_ns() - self.seen_ns) // NANOSECONDS)
        return f"{self.version} (process {self.pid} on {self.host}, seen {age} s ago)"


def name_of_this() -> str:
    """This process, told apart from any other that had its number before."""
    return f"{socket.gethostname()}:{os.getpid()}:{STARTED_NS}"


def beat(
    connection: Connection, version: str, heads: tuple[str, ...], p99_ms: float | None
) -> None:
    """Say that this program is alive. The caller commits."""
    now = time.time_ns()
    row = {
        "instance": name_of_this(),
        "version": version,
        "heads": " ".join(heads),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started_ns": STARTED_NS,
        "seen_ns": now,
        "p99_ms": p99_ms,
    }
    statement = INSERTS[connection.dialect.name](INSTANCES).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[INSTANCES.c.instance], set_=row)
    )
    connection.execute(
        INSTANCES.delete().where(INSTANCES.c.seen_ns < now - int(FORGOTTEN_SECONDS * NANOSECONDS))
    )


def leave(connection: Connection) -> None:
    """Say that this program ends. The caller commits."""
    connection.execute(INSTANCES.delete().where(INSTANCES.c.instance == name_of_this()))


def alive(connection: Connection) -> list[Instance]:
    """The programs that were seen lately and are not known to be dead, oldest first."""
    if not present(connection):
        return []
    since = time.time_ns() - int(EXPIRY_SECONDS * NANOSECONDS)
    columns = [column for column in INSTANCES.c if column is not INSTANCES.c.instance]
    found = connection.execute(
        select(*columns).where(INSTANCES.c.seen_ns >= since).order_by(INSTANCES.c.started_ns)
    )
    instances = [
        Instance(
            row.version, tuple(row.heads.split()), row.host, row.pid,
            row.started_ns, row.seen_ns, row.p99_ms,
        )
        for row in found
    ]  # fmt: skip
    return [one for one in instances if not is_dead(one.host, one.pid)]


def is_dead(host: str, pid: int) -> bool:
    """Whether a process ran on this machine and runs no more: no need to wait for its next word."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
