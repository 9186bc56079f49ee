"""How SQLite is migrated: what `dialect.Dialect` asks for.

Each part is loaded when it is asked for: most commands need few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlogger.migrate.loading import attributes

if TYPE_CHECKING:  # For mypy alone, which compares all of it with the protocol.
    # ruff: noqa: F401  (their use is that they are there)
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
else:
    __getattr__ = attributes(
        "agentlogger.migrate.sqlite",
        {
            "backfills": ("load", "make_walk"),
            "catalogue": ("catalogue", "foundations"),
            "contents": ("beyond", "contents", "counters"),
            "copying": ("borrow", "copy"),
            "describing": ("columns", "literal", "make_part", "parts", "settle", "version"),
            "engine": (
                "CONTEXT_ARGUMENTS",
                "NEEDS_AUTOCOMMIT",
                "bound",
                "is_done",
                "is_passing",
                "make_engine",
            ),
            "lock": ("holder", "make_lock"),
            "making": ("making",),
            "marks": ("marks", "server"),
            "native": ("long_blocks",),
            "observing": ("lock_by_text", "stops", "waits", "watch"),
            "reading": ("make_reader",),
            "repairs": ("repair",),
            "restore": ("compare", "restorable", "restore"),
            "sampling": ("sample",),
            "scratch": ("scratch",),
            "snapshots": ("snapshot", "snapshots"),
            "tables": (
                "broken_references",
                "finish_leftover_index",
                "leftovers",
                "long_transactions",
                "rows",
                "unowned",
            ),
            "wording": ("wordings",),
        },
    )
