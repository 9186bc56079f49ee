"""Digests of requests: which of those to append came before."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, tuple_, update

from agentlogger.intake.digests import Claim
from agentlogger.intake.record import Rejection
from agentlogger.limits import DIGESTS_FORGOTTEN
from agentlogger.models.database import table_of
from agentlogger.models.digests import RequestDigest
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import backend_of
from agentlogger.store.scope import OperatorScope

TABLE = table_of(RequestDigest)
SECOND = 1_000_000_000

FORGET_EVERY = DIGESTS_FORGOTTEN // 4
"""Once in so many new digests, by chance, expired ones are deleted: four times as fast."""

CLAIMED = 500
"""How many one statement takes: it has six values for each, and SQLite takes 32,766."""

Key = tuple[int, bytes]
"""A project and a digest."""


@dataclass(frozen=True)
class Before:
    """A request that was stored before."""

    request: bytes | None
    rejections: list[Rejection]


def claim(
    scope: OperatorScope, connection: Connection, claims: Mapping[Key, tuple[Claim, int]]
) -> dict[Key, Before]:
    """Write down the requests that are new; return those that are not, as they were stored.

    Each comes with the number of its records. One that another transaction is about to store is
    waited for. They are taken in sorted order, so that of two transactions with the same requests
    one waits for the other and never both.
    """
    del scope
    if not claims:
        return {}
    backend, now = backend_of(connection.engine.url), now_ns()
    ordered = sorted(claims.items(), key=_by_key)
    new: set[Key] = set()
    for start in range(0, len(ordered), CLAIMED):
        rows = [
            (*key, claim.request, now, now + claim.seconds * SECOND, records)
            for key, (claim, records) in ordered[start : start + CLAIMED]
        ]
        values = (*chain.from_iterable(rows), now)
        found = backend.fetched(connection, _claiming(len(rows)), values)
        new.update((project, bytes(digest)) for project, digest in found)
    known = sorted(claims.keys() - new)
    return _repeated(connection, known) if known else {}


@cache
def _claiming(rows: int) -> str:
    """INSERT, which writes over what has expired, as if it were new, and returns what is new.

    A text, and not SQLAlchemy's: its way through a statement takes longer than this one does.
    """
    columns = "project_id, digest, request, received_ns, expires_ns, records, repeats, rejections"
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ")[2:])
    row = "(%s, %s, %s, %s, %s, %s, 0, NULL)"
    return (
        f"INSERT INTO {TABLE.name} ({columns}) VALUES {', '.join([row] * rows)}"  # noqa: S608  (our names)
        f" ON CONFLICT (project_id, digest) DO UPDATE SET {changes}"
        f" WHERE {TABLE.name}.expires_ns <= %s RETURNING project_id, digest"
    )


def _by_key(item: tuple[Key, tuple[Claim, int]]) -> Key:
    return item[0]


def _repeated(connection: Connection, known: Sequence[Key]) -> dict[Key, Before]:
    """What is known of these, each of which is counted as having come again."""
    # The insert has locked their rows, in order: the update waits for nobody.
    connection.execute(
        update(TABLE)
        .where(TABLE.c.project_id == bindparam("project"), TABLE.c.digest == bindparam("key"))
        .values(repeats=TABLE.c.repeats + 1),
        [{"project": project, "key": digest} for project, digest in known],
    )
    rows = connection.execute(
        select(TABLE.c.project_id, TABLE.c.digest, TABLE.c.request, TABLE.c.rejections).where(
            or_(*(and_(TABLE.c.project_id == key[0], TABLE.c.digest == key[1]) for key in known))
        )
    )
    return {
        (project, bytes(digest)): Before(
            None if request is None else bytes(request),
            [Rejection(*one) for one in rejections or ()],
        )
        for project, digest, request, rejections in rows
    }


def refuse(
    scope: OperatorScope, connection: Connection, refused: Mapping[Key, Sequence[Rejection]]
) -> None:
    """Write down what the database has refused of new requests, to be said again to a retry."""
    del scope
    for (project, digest), rejections in refused.items():
        connection.execute(
            update(TABLE)
            .where(TABLE.c.project_id == project, TABLE.c.digest == digest)
            .values(rejections=[[one.index, one.code, one.reason] for one in rejections])
        )


def release(scope: OperatorScope, connection: Connection, keys: Collection[Key]) -> None:
    """Take back what was claimed for requests of which nothing was stored: they may come again."""
    del scope
    for project, digest in keys:
        connection.execute(
            delete(TABLE).where(TABLE.c.project_id == project, TABLE.c.digest == digest)
        )


def forget(scope: OperatorScope, connection: Connection, claims: Collection[Key]) -> None:
    """Delete some expired digests of the projects of these claims, as the last of a transaction.

    That is done now and then, the more often the more is claimed. Those that another transaction
    holds are left to it: what comes last must wait for nobody.
    """
    del scope
    if random.SystemRandom().randrange(FORGET_EVERY) >= len(claims):
        return
    expired = (
        select(TABLE.c.project_id, TABLE.c.digest)
        .where(
            TABLE.c.project_id.in_(sorted({project for project, _ in claims})),
            TABLE.c.expires_ns <= now_ns(),
        )
        .limit(DIGESTS_FORGOTTEN)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    key = tuple_(TABLE.c.project_id, TABLE.c.digest)
    connection.execute(delete(TABLE).where(key.in_(select(expired))))
