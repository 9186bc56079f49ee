"""Identities: which of the records to append are stored already."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete

from agentlogger.models.database import db, table_of
from agentlogger.models.identities import RecordIdentity
from agentlogger.store.connections import backend_of
from agentlogger.store.scope import OperatorScope

TABLE = table_of(RecordIdentity)

Key = tuple[int, bytes]
"""A project and an identity."""


def claim(
    scope: OperatorScope, connection: Connection, claims: Mapping[Key, tuple[int, int]]
) -> set[Key]:
    """Write down identities, each with its record's time and id; return those that are new.

    One that another transaction is about to store is waited for. They are taken in sorted order,
    so that of two transactions with the same identities one waits for the other and never both.
    """
    del scope
    if not claims:
        return set()
    rows = [(*key, *place) for key, place in sorted(claims.items())]
    return backend_of(db.engine.url).insert_new(connection, TABLE, rows)


def release(scope: OperatorScope, connection: Connection, keys: Collection[Key]) -> None:
    """Take back the identities of refused records: they may be sent again, corrected."""
    del scope
    for project, identity in keys:
        connection.execute(
            delete(TABLE).where(TABLE.c.project_id == project, TABLE.c.identity == identity)
        )
