"""Receipts: what became of all that was sent, counted with it."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, func, select

from agentlogger.models.database import db, table_of
from agentlogger.models.receipts import Receipt
from agentlogger.store.clock import day_of, now_ns
from agentlogger.store.connections import backend_of, reading
from agentlogger.store.scope import OperatorScope

TABLE = table_of(Receipt)

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
        {"project_id": project, "day": day, "writer": writer, **vars(count)}
        for project, count in sorted(counts.items())
    ]
    connection.execute(_adding(backend_of(db.engine.url).insert_statement), rows)


@cache
def _adding(insert: Callable[[Table], Any]) -> Any:
    """INSERT, which adds to what is there."""
    statement = insert(TABLE)
    added = {
        name: TABLE.c[name] + statement.excluded[name]
        for name in ("stored", "duplicates", "refused")
    }
    key = [TABLE.c.project_id, TABLE.c.day, TABLE.c.writer]
    return statement.on_conflict_do_update(index_elements=key, set_=added)


def total(scope: OperatorScope) -> Count:
    """What became of everything that was ever sent."""
    del scope
    parts = (TABLE.c.stored, TABLE.c.duplicates, TABLE.c.refused)
    sums = select(*(func.coalesce(func.sum(part), 0) for part in parts))
    with reading() as connection:
        stored, duplicates, refused = connection.execute(sums).one()
    return Count(int(stored), int(duplicates), int(refused))
