"""Calls that stand in the ledger, locked for what is to be merged into them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Table, select

from agentlogger.models.calls import ModelCall, ModelCallKey
from agentlogger.models.database import table_of
from agentlogger.store.pieces import pieces
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import ProjectScope

CALLS = table_of(ModelCall)
KEYS = table_of(ModelCallKey)


def locked(
    scope: ProjectScope,
    connection: Connection,
    keys: Collection[bytes],
    fingerprints: Collection[bytes],
    records: Collection[int],
) -> list[Row]:
    """The calls with one of these names or fingerprints, and all alike to them, locked.

    Those with the number of one of these records as well: a call has that of its first record.

    Which calls these are is known only when they are locked: another request may have merged two
    meanwhile, or one may have a fingerprint that is not locked. Then all locks of this attempt are
    given back, and the next one takes them in their order.
    """
    fingerprints, missing = set(fingerprints), set[int]()
    while keys or fingerprints or records:
        attempt = connection.begin_nested()
        _lock_fingerprints(scope, connection, fingerprints)
        wanted = _wanted(scope, connection, keys, fingerprints, records)
        rows = _by_number(scope, connection, wanted)
        unlocked = {bytes(row["fingerprint"]) for row in rows if row["fingerprint"] is not None}
        gone = wanted - {row["call_id"] for row in rows}
        if unlocked <= fingerprints and gone <= missing:
            attempt.commit()
            return rows
        attempt.rollback()
        fingerprints |= unlocked
        missing = gone
    return []


def delete(scope: ProjectScope, connection: Connection, call_ids: Collection[int]) -> None:
    """Delete calls that are locked, and whose reports are another's by now."""
    for piece in pieces(call_ids):
        connection.execute(
            CALLS.delete().where(CALLS.c.project_id == scope.project_id, CALLS.c.call_id.in_(piece))
        )


def _lock_fingerprints(
    scope: ProjectScope, connection: Connection, fingerprints: Collection[bytes]
) -> None:
    for piece in pieces(fingerprints):
        connection.execute(
            select(KEYS.c.digest)
            .where(KEYS.c.project_id == scope.project_id, KEYS.c.digest.in_(piece))
            .order_by(KEYS.c.digest)
            .with_for_update()
        ).all()


def _wanted(
    scope: ProjectScope,
    connection: Connection,
    keys: Collection[bytes],
    fingerprints: Collection[bytes],
    records: Collection[int],
) -> set[int]:
    wanted: set[int] = set()
    by: tuple[tuple[Table, str, Collection[Any]], ...] = (
        (KEYS, "digest", keys),
        (CALLS, "fingerprint", fingerprints),
        (CALLS, "call_id", records),
    )
    for table, column, values in by:
        for piece in pieces(values):
            wanted.update(
                connection.execute(
                    select(table.c.call_id).where(
                        table.c.project_id == scope.project_id, table.c[column].in_(piece)
                    )
                ).scalars()
            )
    return wanted


def _by_number(scope: ProjectScope, connection: Connection, call_ids: Collection[int]) -> list[Row]:
    rows: list[Row] = []
    for piece in pieces(call_ids):
        rows += all_rows(
            connection.execute(
                select(CALLS.c.call_id, CALLS.c.fingerprint, CALLS.c.reports)
                .where(CALLS.c.project_id == scope.project_id, CALLS.c.call_id.in_(piece))
                .order_by(CALLS.c.call_id)
                .with_for_update()
            )
        )
    return rows
