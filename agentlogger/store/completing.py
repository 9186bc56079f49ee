"""Records that are stored and say later how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Text, and_, cast, literal, null, select, update

from agentlogger.intake.identities import digest_of
from agentlogger.intake.record import Record
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.store import identities
from agentlogger.store.columns import JSON_COLUMNS, PLAIN_COLUMNS
from agentlogger.store.connections import backend_of
from agentlogger.store.ledger import Told
from agentlogger.store.scope import ProjectScope

TABLE = table_of(LogRecord)


@dataclass
class Completed:
    """What was completed: the keys of all, and what those say that report a call at their end."""

    keys: list[tuple[int, int]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


def complete(scope: ProjectScope, connection: Connection, records: Sequence[Record]) -> Completed:
    """Put what is known at a span's end in the place of what was known at its start.

    A record that has its duration already stays as it is: it was sent twice.
    """
    ended: dict[bytes, Record] = {}
    for record in records:
        if record.identity is not None:
            ended.setdefault(record.identity, record)
    if not ended:
        return Completed()
    first = identities.places(scope, ended).subquery()
    begun = connection.execute(
        select(first.c.digest, TABLE.c.ts_ns, TABLE.c.id)
        .join(TABLE, and_(TABLE.c.ts_ns == first.c.ts_ns, TABLE.c.id == first.c.record_id))
        .where(TABLE.c.project_id == scope.project_id, TABLE.c.duration_ns.is_(None))
        # In one order everywhere: two transactions that complete the same spans must not deadlock.
        .order_by(TABLE.c.ts_ns, TABLE.c.id)
    ).all()
    by_digest = {digest_of(identity): record for identity, record in ended.items()}
    done = Completed()
    for digest, ts_ns, record_id in begun:
        record = by_digest[bytes(digest)]
        completed = connection.execute(
            update(TABLE)
            .where(
                TABLE.c.project_id == scope.project_id,
                TABLE.c.ts_ns == ts_ns,
                TABLE.c.id == record_id,
                # Another transaction may have completed it since it was looked up.
                TABLE.c.duration_ns.is_(None),
            )
            .values(_known_at_the_end(record))
        )
        if completed.rowcount:
            done.keys.append((ts_ns, record_id))
            if record.call is not None:
                done.told.append(Told(record, ts_ns, record_id, completed=True))
    return done


def _known_at_the_end(record: Record) -> dict[str, Any]:
    """The values of all columns but those of the key."""
    backend = backend_of(db.engine.url)
    values = {name: getattr(record, name) for name in PLAIN_COLUMNS if name != "ts_ns"}
    for name in JSON_COLUMNS:
        part = getattr(record, name)
        text = null() if part is None else literal(backend.serialize(part), Text())
        values[name] = cast(text, TABLE.c[name].type)
    return values
