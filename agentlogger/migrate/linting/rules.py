"""The rules: each about what a revision was seen to do, never about how it is written.

docs/migrations.md lists them and a test compares. An id is a promise: exemptions name it.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"

POSTGRESQL = frozenset({"postgresql"})
SQLITE = frozenset({"sqlite"})
BOTH = POSTGRESQL | SQLITE


@dataclass(frozen=True)
class Rule:
    """Something that a running service would notice."""

    name: str
    what: str
    """What was seen, as a sentence for the documentation."""
    advice: str
    """What to do instead."""
    level: str = ERROR
    databases: frozenset[str] = POSTGRESQL
    grows: bool = True
    """Whether it is harmless as long as the table is small."""


REWRITE = Rule(
    "rewrite",
    "A table was written anew under a lock that stops reads and writes.",
    "Add a second column, fill it with `op.backfill`, let the program use it, and drop the first "
    "in a contract; a default that differs by row is set by a backfill too.",
)
SCAN_UNDER_LOCK = Rule(
    "scan-under-lock",
    "All rows of a table were read under a lock that stops writes.",
    "Use `op.set_not_null_online`, `op.create_check_online` or `op.create_foreign_key_online`, "
    "which check the rows while others write; a data step belongs into a revision of its own.",
)
INDEX_BLOCKS_WRITES = Rule(
    "index-blocks-writes",
    "An index was built under a lock that stops writes.",
    "Use `op.create_index_online` or, for a constraint, `op.create_unique_online`.",
)
WHOLE_TABLE_UPDATE = Rule(
    "whole-table-update",
    "Most rows of a table were changed in one transaction.",
    "Use `op.backfill`, which commits in batches.",
)
LOCK_HELD_LONG = Rule(
    "lock-held-long",
    "A lock that stops writes was held for longer than the budget of the table's class.",
    "Put what follows the lock into a revision of its own.",
)
LONG_CHAIN = Rule(
    "long-chain",
    "Locks that stop writes were taken on three tables or more, one after the other, in one "
    "transaction.",
    "Make a revision for each table: whoever waits for the first waits for all.",
    level=WARNING,
    grows=False,
)
LOCK_NOT_BOUNDED = Rule(
    "lock-not-bounded",
    "A lock that stops writes was waited for without a bound, or with one of over two seconds.",
    "Leave `lock_timeout` as it is: a step that gets no lock is tried again.",
    grows=False,
)
TABLE_COPY = Rule(
    "table-copy",
    "SQLite copied a whole table, and nobody can write meanwhile.",
    "Add, rename and drop columns outside of a batch, where SQLite alters the table itself; what "
    "SQLite cannot do otherwise, keep for a quiet time.",
    level=WARNING,
    databases=SQLITE,
)
BREAKS_OLDER = Rule(
    "breaks-older",
    "After an expand, online or backfill, what the older program reads or inserts is refused.",
    'Declare `phase = "contract"` and apply it when no older program is left; a new column needs a '
    "default or must be allowed to be NULL.",
    databases=BOTH,
    grows=False,
)
NOT_REVERSIBLE = Rule(
    "not-reversible",
    "The downgrade failed, or did not give back the schema that was there.",
    "Correct `downgrade()`, or declare in `reversible` why it cannot be taken back.",
    databases=BOTH,
    grows=False,
)
FAILS_WITH_ROWS = Rule(
    "fails-with-rows",
    "It works on an empty database and fails on one with rows.",
    "Prepare the rows first, with `op.backfill` or in an earlier revision; where only rows that "
    "were made up are refused, allow it with that reason.",
    databases=BOTH,
    grows=False,
)

RULES = (
    REWRITE,
    SCAN_UNDER_LOCK,
    INDEX_BLOCKS_WRITES,
    WHOLE_TABLE_UPDATE,
    LOCK_HELD_LONG,
    LONG_CHAIN,
    LOCK_NOT_BOUNDED,
    TABLE_COPY,
    BREAKS_OLDER,
    NOT_REVERSIBLE,
    FAILS_WITH_ROWS,
)

BY_NAME = {rule.name: rule for rule in RULES}
