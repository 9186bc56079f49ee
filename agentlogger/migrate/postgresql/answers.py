"""How PostgreSQL is migrated: what `dialect.Dialect` asks for.

Each part is loaded when it is asked for: most commands need few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlogger.migrate.loading import attributes

if TYPE_CHECKING:  # For mypy alone, which compares all of it with the protocol.
    # ruff: noqa: F401  (their use is that they are there)
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
else:
    __getattr__ = attributes(
        "agentlogger.migrate.postgresql",
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
                "is_passing",
                "make_engine",
            ),
            "lock": ("holder", "make_lock"),
            "making": ("making",),
            "marks": ("marks", "server"),
            "observing": ("lock_by_text", "stops", "waits", "watch"),
            "reading": ("make_reader",),
            "repairs": ("repair",),
            "repeated": ("is_done",),
            "sampling": ("sample",),
            "scratch": ("compare", "restorable", "restore", "scratch", "snapshot", "snapshots"),
            "tables": (
                "broken_references",
                "finish_leftover_index",
                "leftovers",
                "long_blocks",
                "long_transactions",
                "rows",
                "unowned",
            ),
            "wording": ("wordings",),
        },
    )
