"""VACUUM and its like are waited for before a strong lock is asked for, and not behind it.

Whoever asks for a lock that VACUUM stands against has everybody else queue behind, for nothing: a
migration gives up sooner than a VACUUM ends. Autovacuum would go for it, but only for one who has
waited for `deadlock_timeout`, a second, and a migration waits for less than that. SHARE UPDATE
EXCLUSIVE is what VACUUM, ANALYZE and CREATE INDEX CONCURRENTLY hold. Nobody else has to wait for
who waits for it; who has it keeps them out, and then asks for more.
"""

from __future__ import annotations

import re
from typing import Any

from agentlogger.migrate.postgresql.lock_modes import OUTSIDE, STOPS_WRITERS, mode_by_text

BEYOND_SECONDS = 1.0
"""Autovacuum is asked to go after `deadlock_timeout`, and needs a moment for it."""

HELD = """
SELECT c.oid::regclass::text, c.relname, extract(epoch FROM current_setting('deadlock_timeout')
    ::interval)::float, ARRAY(SELECT x.relname FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid)
FROM pg_catalog.pg_class c
WHERE c.relkind IN ('r', 'p') AND c.oid IN (
    SELECT named.relid FROM pg_catalog.pg_locks l
    CROSS JOIN LATERAL (
        SELECT l.relation AS relid UNION
        SELECT relid FROM pg_catalog.pg_partition_ancestors(l.relation::regclass)
    ) AS named
    WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND l.pid <> pg_backend_pid()
)
"""
"""Tables that somebody vacuums now, or builds an index of, and those that they are partitions of;
each with the names of its indexes."""


def asks_for_more(statement: str) -> bool:
    """Whether everybody queues behind a statement, and another may stand before it in one go."""
    return mode_by_text(statement) in STOPS_WRITERS and not OUTSIDE.search(statement)


def in_the_way(cursor: Any, statement: str) -> tuple[list[str], float]:
    """Tables that the statement names and somebody vacuums, and the seconds to wait for them."""
    cursor.execute(HELD)
    found = [
        (table, deadlock_timeout)
        for table, name, deadlock_timeout, indexes in cursor.fetchall()
        if any(_names(statement, one) for one in (name, *indexes))
    ]
    seconds = max((deadlock_timeout for _, deadlock_timeout in found), default=0.0)
    return [table for table, _ in found], seconds + BEYOND_SECONDS


def wait_gently(cursor: Any, tables: list[str], *, seconds: float) -> None:
    """Take SHARE UPDATE EXCLUSIVE of the tables, waiting for no longer than so many seconds.

    It stays until the transaction ends. Where there is none, these two statements are one, and what
    is asked for comes right behind it. Raises the driver's error for a lock that is not to be had.
    """
    cursor.execute(
        f"SET LOCAL lock_timeout = '{round(seconds * 1000)}';"
        f" LOCK TABLE {', '.join(tables)} IN SHARE UPDATE EXCLUSIVE MODE"
    )


def _names(statement: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", statement) is not None
