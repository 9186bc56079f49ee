"""All that is written in a record as one text, in which many words are looked for at little cost.

A word that is not written there is in no text of the record, so that its texts need not be taken
apart: that is most records, for most words. What is written there may still be a key of JSON or lie
across two texts, so whoever finds it there asks for the condition itself as well.
"""

from __future__ import annotations

from functools import reduce

from sqlalchemy import FromClause, and_, func, or_

from agentlogger.query.backend import LOWER, Backend, Condition, Text
from agentlogger.query.tree import And, Contains, Node, Or, Pattern
from agentlogger.query.words import COLUMNS, JSON_COLUMNS

BETWEEN = "\n"
"""Between two texts: no part that is looked for has it."""

ESCAPED = frozenset('"\\') | {chr(code) for code in range(0x20)}
"""What JSON writes in another way than it is. A part with one of these is not looked for."""


def written(table: FromClause, backend: Backend) -> Text:
    """Every text that words are looked for in, in lower case from A to Z, JSON as it is written."""
    texts = [
        *(table.c[name] for name in COLUMNS),
        *(backend.written(table.c[name]) for name in JSON_COLUMNS),
    ]
    each = (func.coalesce(text, "") for text in texts)
    return backend.folded(reduce(lambda one, other: one.concat(BETWEEN).concat(other), each))


def may_be_like(tree: Node, text: Text, backend: Backend) -> Condition | None:
    """What is true of each record's `written` text that is like this; None where any may be."""
    match tree:
        case And(operands):
            some = [may_be_like(one, text, backend) for one in operands]
            known = [one for one in some if one is not None]
            return and_(*known) if known else None
        case Or(operands):
            some = [may_be_like(one, text, backend) for one in operands]
            known = [one for one in some if one is not None]
            return or_(*known) if known and len(known) == len(some) else None
        case Contains(pattern):
            parts = _looked_for(pattern)
            return and_(*(backend.has_part(text, part) for part in parts)) if parts else None
        case _:
            return None


def _looked_for(pattern: Pattern) -> list[str]:
    return [part.translate(LOWER) for part in pattern.parts if part and ESCAPED.isdisjoint(part)]
