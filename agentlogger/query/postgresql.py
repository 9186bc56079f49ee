"""How PostgreSQL looks into records: JSONB by path, and lower case by the collation C."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH

from agentlogger.query.backend import Condition, Text, is_plain

EVERY_TEXT = 'strict $.** ? (@.type() == "string")'
"""`strict`, since lists are opened twice else."""
EVERY_MEMBER = "lax $[*]"
"""`lax`, since what is no list is then its own member."""


def folded(text: Text) -> Text:
    """The text in lower case, from A to Z: no collation but C does the same on each server."""
    return func.lower(text.collate("C"))


def like(text: Text, parts: tuple[str, ...]) -> Condition:
    """Whether it is made of these parts, with any text between each two.

    `strpos` is a tenth quicker, and PostgreSQL takes it for true of each third record: it then
    walks all in order where an index of texts has named the few that may have it (measured).
    """
    return text.like("%".join(_escaped(part) for part in parts), escape="\\")


def any_text(json: Text, parts: tuple[str, ...]) -> Condition:
    """Whether any text within a JSON value is made of these parts when folded.

    First the JSON is looked at as it is written, which takes half of the time: what is not written
    there is in no text of it.
    """
    within = _any(json, EVERY_TEXT, lambda value: like(folded(_as_text(value)), parts))
    if not is_plain(parts):
        return within
    text = folded(written(json))
    there = and_(*(has_part(text, part) for part in parts if part))
    # A CASE, of which the planner expects as much as of what is within alone: of an AND it would
    # expect that few records are like this, and sort all of a day where a walk finds fifty at once.
    return case((there, within), else_=false())


def any_value(json: Text, name: str, holds: Callable[[Text, Text], Condition]) -> Condition:
    """Whether this holds of what stands under a name, or of any member of it."""

    def of_one(value: ColumnElement[Any]) -> Condition:
        kind = func.jsonb_typeof(value)
        # A CASE, since a condition beside the cast would not keep it from being tried first.
        return holds(
            case((kind.in_(["string", "boolean"]), _as_text(value))),
            case((kind == "number", cast(value, Numeric))),
        )

    return _any(_under(json, name), EVERY_MEMBER, of_one)


def has(json: Text, name: str) -> Condition:
    """Whether there is a value other than null under a name."""
    return func.jsonb_typeof(_under(json, name)) != "null"


def number(value: Decimal) -> ColumnElement[Any]:
    """A number to compare with."""
    return cast(literal(format(value, "f"), String), Numeric)


def written(json: Text) -> Text:
    """JSON as PostgreSQL writes it."""
    return cast(json, String)


def has_part(text: Text, part: str) -> Condition:
    """Whether a text has this in it: by `strpos`, which skips where LIKE tries each place."""
    return func.strpos(text, part) > 0


def _under(json: Text, name: str) -> ColumnElement[Any]:
    return json.op("->", return_type=JSONB())(literal(name, String))


def _any(json: Text, path: str, holds: Callable[[ColumnElement[Any]], Condition]) -> Condition:
    found = func.jsonb_path_query(json, cast(literal(path, String), JSONPATH), type_=JSONB)
    value = found.column_valued("value")
    return exists(select(literal(1)).where(holds(value)))


def _as_text(value: ColumnElement[Any]) -> Text:
    """A JSON text without its quotes, any other value as JSON."""
    return value.op("#>>", return_type=String())(cast(literal("{}", String), ARRAY(String)))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
