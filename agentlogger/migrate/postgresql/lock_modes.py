"""PostgreSQL's lock modes of tables, and which of them a statement takes by its text.

The text is asked only where the lock cannot be seen: of statements that refuse to run within a
transaction, whose locks are gone when they end, and of those that were not run at all.
(postgresql.org/docs/15/explicit-locking.html, postgresql.org/docs/15/sql-altertable.html)
"""

from __future__ import annotations

import re

MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
"""From the weakest to the strongest."""

STOPS_WRITERS = frozenset(MODES[4:])
"""What conflicts with ROW EXCLUSIVE, which every INSERT, UPDATE and DELETE takes."""

GENTLE_ACTIONS = re.compile(
    r"\b(?:VALIDATE\s+CONSTRAINT|SET\s+STATISTICS|CLUSTER\s+ON|SET\s+WITHOUT\s+CLUSTER"
    r"|ATTACH\s+PARTITION|DETACH\s+PARTITION\s.*\bCONCURRENTLY|(?:RE)?SET\s*\()",
    re.IGNORECASE | re.DOTALL,
)
"""Actions of ALTER TABLE that take SHARE UPDATE EXCLUSIVE."""

BY_TEXT = tuple(
    (re.compile(rf"\s*(?:{pattern})", re.IGNORECASE | re.DOTALL), mode)
    for pattern, mode in (
        (r"(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY\b", "SHARE UPDATE EXCLUSIVE"),
        (r"REINDEX\s.*\bCONCURRENTLY\b", "SHARE UPDATE EXCLUSIVE"),
        (r"CREATE\s+(?:UNIQUE\s+)?INDEX\b|REINDEX\b", "SHARE"),
        (r"VACUUM\s*(?:\([^)]*)?\bFULL\b|CLUSTER\b", "ACCESS EXCLUSIVE"),
        (r"(?:VACUUM|ANALYZE|COMMENT|CREATE\s+STATISTICS)\b", "SHARE UPDATE EXCLUSIVE"),
        (r"REFRESH\s+MATERIALIZED\s+VIEW\s+CONCURRENTLY\b", "EXCLUSIVE"),
        (r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\b", "SHARE ROW EXCLUSIVE"),
        (r"ALTER\s+TABLE\s.*\bADD\s+(?:CONSTRAINT\s+\S+\s+)?FOREIGN\s+KEY\b",
         "SHARE ROW EXCLUSIVE"),
        (r"ALTER\s+TABLE\s.*\b(?:ENABLE|DISABLE)\s+(?:\w+\s+)?TRIGGER\b", "SHARE ROW EXCLUSIVE"),
        (r"(?:ALTER|DROP)\s+(?:TABLE|INDEX|MATERIALIZED|TRIGGER|POLICY|VIEW)\b",
         "ACCESS EXCLUSIVE"),
        (r"(?:TRUNCATE|CREATE\s+(?:RULE|POLICY)|LOCK|REFRESH)\b", "ACCESS EXCLUSIVE"),
        (r"(?:INSERT|UPDATE|DELETE|MERGE|COPY|WITH)\b", "ROW EXCLUSIVE"),
        (r"SELECT\s.*\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|(?:KEY\s+)?SHARE)\b", "ROW SHARE"),
        (r"SELECT\b", "ACCESS SHARE"),
    )
)  # fmt: skip
"""The first that fits counts; of several modes that a statement may take, the strongest."""

ALTERS_TABLE = re.compile(r"\s*ALTER\s+TABLE\b", re.IGNORECASE)

OUTSIDE = re.compile(
    r"\bCONCURRENTLY\b|^\s*(?:VACUUM|REINDEX\s+(?:DATABASE|SYSTEM|SCHEMA)|ALTER\s+SYSTEM"
    r"|CLUSTER\s*$|(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION))\b",
    re.IGNORECASE,
)
"""What PostgreSQL refuses within a transaction."""


def mode_by_text(statement: str) -> str | None:
    """The strongest lock of tables that a statement takes; None where it takes none."""
    if ALTERS_TABLE.match(statement) and GENTLE_ACTIONS.search(statement):
        return "SHARE UPDATE EXCLUSIVE"
    return next((mode for pattern, mode in BY_TEXT if pattern.match(statement)), None)


def strongest(modes: list[str]) -> str:
    """The strongest of these; there is at least one."""
    return max(modes, key=MODES.index)


def mode_of(name: str) -> str:
    """A mode of `pg_locks`, such as AccessExclusiveLock, as the documentation writes it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Lock")).upper()
