"""Where words are looked for. An index says before in which records (`query/narrowing.py`)."""

from __future__ import annotations

from sqlalchemy import Table, or_

from agentlogger.query.backend import LOWER, Backend, Condition
from agentlogger.query.tree import Pattern

COLUMNS = ("event", "kind", "agent", "model", "tool", "error_type", "error_message")
"""The columns that are read as text."""

JSON_COLUMNS = ("body", "attributes")
"""Those of which every text is read that stands anywhere within."""


def contained(table: Table, pattern: Pattern, backend: Backend) -> Condition:
    """Whether some text of a record has this in it, in upper or lower case.

    Each text of a record is looked at, the short ones first.
    """
    parts = ("", *(part.translate(LOWER) for part in pattern.parts), "")
    return or_(
        *(backend.like(backend.folded(table.c[name]), parts) for name in COLUMNS),
        *(backend.any_text(table.c[name], parts) for name in JSON_COLUMNS),
    )
