"""How PostgreSQL is migrated: what `dialect.Dialect` asks for."""

from __future__ import annotations

from agentlogger.migrate.postgresql.backfills import load, make_walk
from agentlogger.migrate.postgresql.catalogue import catalogue, foundations
from agentlogger.migrate.postgresql.contents import beyond, contents, counters
from agentlogger.migrate.postgresql.copying import borrow, copy
from agentlogger.migrate.postgresql.describing import (
    columns,
    literal,
    make_part,
    parts,
    settle,
    version,
)
from agentlogger.migrate.postgresql.engine import (
    CONTEXT_ARGUMENTS,
    NEEDS_AUTOCOMMIT,
    bound,
    is_passing,
    make_engine,
)
from agentlogger.migrate.postgresql.lock import holder, make_lock
from agentlogger.migrate.postgresql.making import making
from agentlogger.migrate.postgresql.marks import marks, server
from agentlogger.migrate.postgresql.observing import lock_by_text, stops, waits, watch
from agentlogger.migrate.postgresql.reading import make_reader
from agentlogger.migrate.postgresql.repairs import repair
from agentlogger.migrate.postgresql.repeated import is_done
from agentlogger.migrate.postgresql.sampling import sample
from agentlogger.migrate.postgresql.scratch import (
    compare,
    restorable,
    restore,
    scratch,
    snapshot,
    snapshots,
)
from agentlogger.migrate.postgresql.tables import (
    broken_references,
    finish_leftover_index,
    leftovers,
    long_blocks,
    long_transactions,
    rows,
    unowned,
)
from agentlogger.migrate.postgresql.wording import wordings

__all__ = [
    "CONTEXT_ARGUMENTS",
    "NEEDS_AUTOCOMMIT",
    "beyond",
    "borrow",
    "bound",
    "broken_references",
    "catalogue",
    "columns",
    "compare",
    "contents",
    "copy",
    "counters",
    "finish_leftover_index",
    "foundations",
    "holder",
    "is_done",
    "is_passing",
    "leftovers",
    "literal",
    "load",
    "lock_by_text",
    "long_blocks",
    "long_transactions",
    "make_engine",
    "make_lock",
    "make_part",
    "make_reader",
    "make_walk",
    "making",
    "marks",
    "parts",
    "repair",
    "restorable",
    "restore",
    "rows",
    "sample",
    "scratch",
    "server",
    "settle",
    "snapshot",
    "snapshots",
    "stops",
    "unowned",
    "version",
    "waits",
    "watch",
    "wordings",
]
