"""Receipts: what became of all that was sent, counted with it."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from agentlogger.models.database import table_of
from agentlogger.models.receipts import Receipt
from agentlogger.store.clock import day_of, now_ns
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.scope import OperatorScope

TABLE = table_of(Receipt)

PARTS = ("stored", "duplicates", "refused")

ADDING = (
    f"INSERT INTO {TABLE.name} (project_id, day, writer, {', '.join(PARTS)})"  # noqa: S608  (our names)
    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (project_id, day, writer) DO UPDATE SET "
    + ", ".join(f"{part} = {TABLE.name}.{part} + excluded.{part}" for part in PARTS)
)
"""INSERT, which adds to what is there."""

_writers: dict[tuple[int, int], int] = {}
"""The number of each thread, by its process and its id: none waits for another's count."""


@dataclass
class Count:
    """What became of records: sent = stored + duplicates + refused."""

    stored: int = 0
    duplicates: int = 0
    refused: int = 0


def add(scope: OperatorScope, connection: Connection, counts: Mapping[int, Count]) -> None:
    """Add what a transaction has stored, by project."""
    del scope
    day = day_of(now_ns())
    writer = _writers.setdefault((os.getpid(), threading.get_ident()), secrets.randbits(63))
    rows = [
        (project, day, writer, count.stored, count.duplicates, count.refused)
        for project, count in sorted(counts.items())
    ]
    backend = backend_of(connection.engine.url)
    for row in rows:
        backend.later(connection, ADDING, row)


def total(scope: OperatorScope) -> Count:
    """What became of everything that was ever sent."""
    del scope
    sums = select(*(func.coalesce(func.sum(TABLE.c[part]), 0) for part in PARTS))
    with reading() as connection:
        stored, duplicates, refused = connection.execute(sums).one()
    return Count(int(stored), int(duplicates), int(refused))
