"""What was done to this database: each revision, when, by whom, how long, and its own text.

A row is written when a revision is begun, and ended in the same transaction as Alembic's version
row. A row that was never ended is a run that was killed.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from agentlogger.migrate.ledger.signing import is_signed, signature
from agentlogger.migrate.ledger.tables import HISTORY, present
from agentlogger.migrate.revisions.declared import YES, Declared

NANOSECONDS = 10**9

PART = "part"
"""The direction of a row that says which statement of an unended revision is committed: its digest
in `sha256`, how often in `operations_done`, and the revision's direction in `phase`."""


@dataclass(frozen=True)
class Entry:
    """One row: a revision that was applied, reverted or stamped; times in ns since 1970."""

    id: int
    revision: str
    parents: tuple[str, ...]
    direction: str
    begun_ns: int
    ended_ns: int | None
    program: str
    who: str
    message: str
    phase: str
    reversible: str
    sha256: str
    source: str
    down_sql: tuple[str, ...] | None
    operations_done: int
    signature: str | None

    @property
    def seconds(self) -> float | None:
        """How long it took; None where it was never ended."""
        return None if self.ended_ns is None else (self.ended_ns - self.begun_ns) / NANOSECONDS

    @property
    def when(self) -> str:
        """The moment it began, UTC, to the second."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.begun_ns // NANOSECONDS))

    def is_signed_by(self, keys: Iterable[bytes]) -> bool:
        """Whether its scripts are those that this program, or another with its key, has stored."""
        down_sql = None if self.down_sql is None else json.dumps(self.down_sql)
        parts = _signed_parts(self.revision, " ".join(self.parents), self.source, down_sql)
        return is_signed(keys, parts, self.signature)


def who() -> str:
    """The person and process, as far as the system knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"


def entries(connection: Connection) -> list[Entry]:
    """All of it, oldest first; nothing where this database has no history yet."""
    if not present(connection):
        return []
    whole = select(HISTORY).where(HISTORY.c.direction != PART).order_by(HISTORY.c.id)
    return [_entry(row) for row in connection.execute(whole)]


def last_up(found: Sequence[Entry]) -> dict[str, Entry]:
    """For each revision the last time it was applied or stamped, to the end."""
    return {
        entry.revision: entry
        for entry in found
        if entry.direction in {"up", "stamp"} and entry.ended_ns is not None
    }


def unended(found: Sequence[Entry], revision: str, direction: str) -> Entry | None:
    """The last run of this revision, where it was killed."""
    same = [entry for entry in found if entry.revision == revision]
    if same and same[-1].direction == direction and same[-1].ended_ns is None:
        return same[-1]
    return None


def begin(
    connection: Connection,
    revision: Declared,
    direction: str,
    *,
    program: str,
    down_sql: Sequence[str] | None,
    key: bytes | None,
    operations_done: int = 0,
) -> int:
    """Write that a revision begins; return the row's id. The caller commits.

    One that replaces others is written as what follows the last of them and does nothing: an older
    program that has these knows then what the database has, and takes back nothing of it.
    """
    number = _next_id(connection)
    reversible = revision.reversible
    parents = " ".join(revision.parents)
    if revision.replaces is not None:
        parents, down_sql, reversible = " ".join(revision.replaces.heads), (), YES
    down = None if down_sql is None else json.dumps(list(down_sql))
    parts = _signed_parts(revision.revision, parents, revision.source, down)
    connection.execute(
        HISTORY.insert().values(
            id=number,
            revision=revision.revision,
            parents=parents,
            direction=direction,
            begun_ns=time.time_ns(),
            ended_ns=None,
            program=program,
            who=who(),
            message=revision.message,
            phase=revision.phase,
            reversible=reversible,
            sha256=revision.sha256,
            source=revision.source,
            down_sql=down,
            operations_done=operations_done,
            signature=None if key is None else signature(key, parts),
        )
    )
    return number


def note_operations(connection: Connection, number: int, done: int) -> None:
    """Write how many operations of a revision are committed, before it is ended."""
    connection.execute(HISTORY.update().where(HISTORY.c.id == number).values(operations_done=done))


def note_part(connection: Connection, number: int, digest: str, count: int) -> None:
    """Write that a statement of a revision is committed, or is so with this transaction."""
    revision, direction = _run_of(connection, number)
    same = _parts_of(revision, direction) & (HISTORY.c.sha256 == digest)
    more = HISTORY.c.operations_done + count
    if connection.execute(HISTORY.update().where(same).values(operations_done=more)).rowcount:
        return
    connection.execute(
        HISTORY.insert().values(
            id=_next_id(connection), revision=revision, parents="", direction=PART,
            begun_ns=time.time_ns(), program="", who="", message="", phase=direction,
            reversible="", sha256=digest, source="", operations_done=count,
        )
    )  # fmt: skip


def parts(connection: Connection, number: int) -> Counter[str]:
    """Which statements of this revision are committed, and how often, by their digests."""
    chosen = select(HISTORY.c.sha256, HISTORY.c.operations_done).where(
        _parts_of(*_run_of(connection, number))
    )
    return Counter({row.sha256: int(row.operations_done) for row in connection.execute(chosen)})


def end(connection: Connection, number: int) -> None:
    """Write that it was done, in the transaction that writes Alembic's version row."""
    connection.execute(
        HISTORY.update().where(HISTORY.c.id == number).values(ended_ns=time.time_ns())
    )
    revision, _ = _run_of(connection, number)
    # As a whole it is in the history now; after a stamp nobody goes on with it.
    connection.execute(
        HISTORY.delete().where((HISTORY.c.revision == revision) & (HISTORY.c.direction == PART))
    )


def accept(connection: Connection, entry: Entry, revision: Declared, keys: Sequence[bytes]) -> None:
    """Record another text for what was applied, where somebody has said that it means the same."""
    down = None if entry.down_sql is None else json.dumps(entry.down_sql)
    parts = _signed_parts(entry.revision, " ".join(entry.parents), revision.source, down)
    connection.execute(
        HISTORY.update()
        .where(HISTORY.c.id == entry.id)
        .values(
            sha256=revision.sha256,
            source=revision.source,
            signature=signature(keys[0], parts) if keys else None,
        )
    )


def forget(connection: Connection, number: int) -> None:
    """Take back a row of a revision that has failed and changed nothing."""
    connection.execute(HISTORY.delete().where(HISTORY.c.id == number))


def _next_id(connection: Connection) -> int:
    return int(connection.execute(select(func.max(HISTORY.c.id))).scalar() or 0) + 1


def _run_of(connection: Connection, number: int) -> tuple[str, str]:
    """The revision and the direction of a row."""
    chosen = select(HISTORY.c.revision, HISTORY.c.direction).where(HISTORY.c.id == number)
    row = connection.execute(chosen).one()
    return row.revision, row.direction


def _parts_of(revision: str, direction: str) -> ColumnElement[bool]:
    return (
        (HISTORY.c.direction == PART)
        & (HISTORY.c.revision == revision)
        & (HISTORY.c.phase == direction)
    )


def _signed_parts(
    revision: str, parents: str, source: str, down_sql: str | None
) -> tuple[str | None, ...]:
    return (revision, parents, source, down_sql)


def _entry(row: object) -> Entry:
    columns = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001  (SQLAlchemy's public name)
    columns["parents"] = tuple(columns["parents"].split())
    down_sql = columns["down_sql"]
    columns["down_sql"] = None if down_sql is None else tuple(json.loads(down_sql))
    return Entry(**columns)
