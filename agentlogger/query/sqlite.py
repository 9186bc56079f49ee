"""How SQLite looks into records: JSON as rows, and GLOB, which is the one LIKE that minds case."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Numeric,
    String,
    TableValuedAlias,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from agentlogger.query.backend import Condition, Text, is_plain

COLUMNS: tuple[ColumnClause[Any], ...] = (
    column("key", String),
    column("value"),
    column("type", String),
)
"""What json_each and json_tree tell of each value."""


def folded(text: Text) -> Text:
    """The text in lower case, from A to Z: SQLite's own `lower` knows no others."""
    return func.lower(text)


def like(text: Text, parts: tuple[str, ...]) -> Condition:
    """Whether it is made of these parts, with any text between each two."""
    return text.op("GLOB", is_comparison=True)("*".join(_escaped(part) for part in parts))


def any_text(json: Text, parts: tuple[str, ...]) -> Condition:
    """Whether any text within a JSON value is made of these parts when folded.

    First the JSON is looked at as it is written, which takes a fifth of the time: what is not
    written there is in no text of it. LIKE folds from A to Z as we do.
    """
    found = func.json_tree(json).table_valued(*COLUMNS)
    within = _any(found, and_(found.c.type == "text", like(folded(found.c.value), parts)))
    if not is_plain(parts):
        return within
    pattern = "%".join(["", *(part.replace("_", r"\_").replace("%", r"\%") for part in parts), ""])
    # A CASE, since SQLite looks at both sides of an AND where a value is asked for.
    return case((written(json).like(pattern, escape="\\"), within), else_=false())


def any_value(json: Text, name: str, holds: Callable[[Text, Text], Condition]) -> Condition:
    """Whether this holds of what stands under a name, or of any member of it.

    All keys are gone through: a path cannot name one with a quote before SQLite 3.45.
    """
    found = func.json_each(json).table_valued(*COLUMNS)
    members = func.json_each(case((found.c.type == "array", found.c.value))).table_valued(*COLUMNS)
    return _any(
        found,
        and_(
            found.c.key == name,
            or_(_of_one(found, holds), _any(members, _of_one(members, holds))),
        ),
    )


def has(json: Text, name: str) -> Condition:
    """Whether there is a value other than null under a name."""
    found = func.json_each(json).table_valued(*COLUMNS)
    return _any(found, and_(found.c.key == name, found.c.type != "null"))


def number(value: Decimal) -> ColumnElement[Any]:
    """A number to compare with: from text, as those in JSON are, so that both are rounded alike."""
    return cast(literal(format(value, "f"), String), Numeric)


def written(json: Text) -> Text:
    """JSON as it was stored."""
    return type_coerce(json, String)


def has_part(text: Text, part: str) -> Condition:
    """Whether a text has this in it."""
    return func.instr(text, part) > 0


def _of_one(found: TableValuedAlias, holds: Callable[[Text, Text], Condition]) -> Condition:
    kind, value = found.c.type, found.c.value
    return holds(
        case((kind == "text", value), (kind.in_(["true", "false"]), kind)),
        case((kind.in_(["integer", "real"]), value)),
    )


def _any(found: TableValuedAlias, condition: Condition) -> Condition:
    return exists(select(literal(1)).select_from(found).where(condition))


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)
