"""A tree to a condition of a statement, its values bound and never written into SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, false, or_, true

from agentlogger.query import postgresql, sqlite
from agentlogger.query.backend import LOWER, Backend, Condition, Text
from agentlogger.query.keys import Attribute, Key, Kind
from agentlogger.query.tree import (
    And,
    AttributeCompares,
    AttributeMatches,
    Compares,
    Contains,
    Flagged,
    Has,
    Matches,
    Node,
    Not,
    Operator,
    Or,
    Pattern,
    Term,
)
from agentlogger.query.words import contained

BACKENDS: dict[str, Backend] = {"postgresql": postgresql, "sqlite": sqlite}

ATTRIBUTES = ("attributes", "resource")
"""Where an attribute may stand: on the record, or on what sent it."""

COMPARISONS: dict[Operator, Callable[[Any, Any], Condition]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


CONDITIONS_KEPT = 64
"""Queries whose conditions are kept: a page asks for its rows, counts and facets with one, part of
the time by part, and to make it anew takes longer than all the rest of such a statement."""


@lru_cache(maxsize=CONDITIONS_KEPT)
def condition(tree: Node, table: Table, dialect: str) -> Condition:
    """What a record of `table` must be like, on the database of this dialect's name."""
    return _Compiling(table, BACKENDS[dialect]).of(tree)


def asks_only_of(tree: Node, table: Table) -> bool:
    """Whether every key of the tree is a column of `table`, so that its condition can be had."""
    match tree:
        case And(operands) | Or(operands):
            return all(asks_only_of(one, table) for one in operands)
        case Not(operand):
            return asks_only_of(operand, table)
        case Matches(key) | Compares(key) | Flagged(key) | Has(Key() as key):
            return key.column in table.c
        case _:
            return False


class _Compiling:
    """One table, on one database."""

    def __init__(self, table: Table, backend: Backend) -> None:
        self.table = table
        self.backend = backend

    def of(self, node: Node) -> Condition:
        """The condition of a node. It may be NULL, where a value is missing: that is not true."""
        match node:
            case And(operands):
                return and_(true(), *(self.of(one) for one in operands))
            case Or(operands):
                return or_(false(), *(self.of(one) for one in operands))
            case Not(operand):
                # SQL's NOT leaves NULL as it is: who excludes a tool means to see what has none.
                return self.of(operand).is_not(true())
            case _:
                return self._term(node)

    def _term(self, node: Term) -> Condition:
        match node:
            case Contains(pattern):
                return contained(self.table, pattern, self.backend)
            case Matches(key, pattern):
                return self._matches(key, pattern)
            case Compares(key, comparison, bound):
                return COMPARISONS[comparison](self._column(key), bound)
            case Flagged(key, value):
                return self._column(key).is_(value)
            case AttributeMatches(attribute, pattern, number):
                return self._attribute_matches(attribute, pattern, number)
            case AttributeCompares(attribute, comparison, limit):
                least = self.backend.number(limit)
                return self._any_value(
                    attribute, lambda _, value: COMPARISONS[comparison](value, least)
                )
            case Has(of):
                return self._has(of)

    def _has(self, of: Key | Attribute) -> Condition:
        if isinstance(of, Key):
            return self._column(of).is_not(None)
        return or_(*(self.backend.has(self.table.c[name], of.name) for name in ATTRIBUTES))

    def _matches(self, key: Key, pattern: Pattern) -> Condition:
        column = self._column(key)
        if key.kind is Kind.ID:
            # Plain, so that the indexes on sessions and traces serve it.
            if len(pattern.parts) == 1:
                return column == pattern.parts[0]
            return self.backend.like(column, pattern.parts)
        if key.kind is Kind.TEXT:
            return self._like(column, Pattern(("", *pattern.parts, "")))
        return self._like(column, pattern)

    def _attribute_matches(
        self, attribute: Attribute, pattern: Pattern, number: Decimal | None
    ) -> Condition:
        def holds(text: Text, value: Text) -> Condition:
            alike = self._like(text, pattern)
            return alike if number is None else or_(alike, value == self.backend.number(number))

        return self._any_value(attribute, holds)

    def _any_value(
        self, attribute: Attribute, holds: Callable[[Text, Text], Condition]
    ) -> Condition:
        return or_(
            *(
                self.backend.any_value(self.table.c[column], attribute.name, holds)
                for column in ATTRIBUTES
            )
        )

    def _like(self, text: Text, pattern: Pattern) -> Condition:
        """The same text, in upper or lower case."""
        parts = tuple(part.translate(LOWER) for part in pattern.parts)
        folded = self.backend.folded(text)
        return folded == parts[0] if len(parts) == 1 else self.backend.like(folded, parts)

    def _column(self, key: Key) -> ColumnElement[Any]:
        return self.table.c[key.column]
