"""How SQLite is migrated: what `dialect.Dialect` asks for."""

from __future__ import annotations

from agentlogger.migrate.sqlite.backfills import load, make_walk
from agentlogger.migrate.sqlite.catalogue import catalogue, foundations
from agentlogger.migrate.sqlite.contents import beyond, contents, counters
from agentlogger.migrate.sqlite.copying import borrow, copy
from agentlogger.migrate.sqlite.describing import (
    columns,
    literal,
    make_part,
    parts,
    settle,
    version,
)
from agentlogger.migrate.sqlite.engine import (
    CONTEXT_ARGUMENTS,
    NEEDS_AUTOCOMMIT,
    bound,
    is_done,
    is_passing,
    make_engine,
)
from agentlogger.migrate.sqlite.lock import holder, make_lock
from agentlogger.migrate.sqlite.making import making
from agentlogger.migrate.sqlite.marks import marks, server
from agentlogger.migrate.sqlite.native import long_blocks
from agentlogger.migrate.sqlite.observing import lock_by_text, stops, waits, watch
from agentlogger.migrate.sqlite.reading import make_reader
from agentlogger.migrate.sqlite.repairs import repair
from agentlogger.migrate.sqlite.restore import compare, restorable, restore
from agentlogger.migrate.sqlite.sampling import sample
from agentlogger.migrate.sqlite.scratch import scratch
from agentlogger.migrate.sqlite.snapshots import snapshot, snapshots
from agentlogger.migrate.sqlite.tables import (
    broken_references,
    finish_leftover_index,
    leftovers,
    long_transactions,
    rows,
    unowned,
)
from agentlogger.migrate.sqlite.wording import wordings

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
