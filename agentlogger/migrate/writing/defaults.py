"""What a default is in SQL, and whether a table is rewritten to get a column with it."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Column, DefaultClause, make_url
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.functions import now

from agentlogger.migrate.revisions.recording import dialect_of

DIALECTS = tuple(dialect_of(make_url(url)) for url in ("postgresql://", "sqlite://"))
"""Those that a revision is written for."""

STABLE = frozenset({
    "cast", "coalesce", "concat", "date_trunc", "extract", "json_build_object",
    "jsonb_build_object", "lower", "now", "statement_timestamp", "timezone", "to_char",
    "transaction_timestamp", "upper",
})  # fmt: skip
"""Functions that say the same for all rows of one statement; any other is taken to differ."""

TEXT = re.compile(r"'(?:[^']|'')*'")

CALL = re.compile(r"(?P<before>::\s*|\bAS\s+)?(?P<name>\w+)\s*\(", re.IGNORECASE)
"""A function, or behind `::` and AS the type of a cast."""


def scalar(column: Column[Any]) -> str | None:
    """The SQL constant that the models give a column of a new object; None where there is none.

    None as well where the databases would write it differently, such as a UUID.
    """
    default: Any = column.default
    if default is None or not default.is_scalar or default.arg is None:
        return None
    if isinstance(default.arg, bool):
        return str(default.arg).upper()
    written = set()
    for dialect in DIALECTS:
        try:
            processor = column.type.dialect_impl(dialect).literal_processor(dialect)
            written.add(None if processor is None else processor(default.arg))
        except (CompileError, NotImplementedError, TypeError, ValueError, LookupError):
            return None
    return written.pop() if len(written) == 1 else None


def expression(column: Column[Any]) -> str | None:
    """The SQL of what the database itself gives a column; None where it gives nothing.

    None as well where the databases would word it differently.
    """
    default: Any = column.server_default
    if not isinstance(default, DefaultClause):
        return None
    if isinstance(default.arg, str):
        return "'" + default.arg.replace("'", "''") + "'"
    if isinstance(default.arg, now):
        return "CURRENT_TIMESTAMP"
    return _one_text(default.arg)


def _one_text(element: ClauseElement) -> str | None:
    try:
        texts = {
            str(element.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
            for dialect in DIALECTS
        }
    except (CompileError, NotImplementedError):
        return None
    return texts.pop() if len(texts) == 1 else None


def is_volatile(column: Column[Any]) -> bool:
    """Whether what the database gives a column may differ from row to row.

    PostgreSQL adds a column with such a default by writing every row anew, under a lock.
    """
    default: Any = column.server_default
    if not isinstance(default, DefaultClause) or isinstance(default.arg, str | now):
        return False
    text = TEXT.sub("''", _one_text(default.arg) or str(default.arg))
    return any(
        not match["before"] and match["name"].lower() not in STABLE for match in CALL.finditer(text)
    )


def is_filled(column: Column[Any]) -> bool:
    """Whether the database gives a row a value that an older program does not give it."""
    return any(one is not None for one in (column.server_default, column.computed, column.identity))
