"""What an index of texts can say of a query: which records may be like it, and never which are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from agentlogger.query.grams import rows_asked
from agentlogger.query.keys import Kind
from agentlogger.query.tree import And, Contains, Matches, Node, Or, Pattern
from agentlogger.query.words import COLUMNS

OWN_INDEX = ("session_id", "trace_id")
"""Columns with an index of their own, which finds the few records of one before any other does."""

EVERY = 3
"""Of the rows of a run every third is asked for first: of twelve four, of which the bits of a word
that is not there are all set in one window of ten thousand."""

ROWS_MOST = 48
"""Rows that one query asks for: behind them it is narrow enough."""


@dataclass(frozen=True)
class Narrowing:
    """A query as an index of texts is asked for it."""

    tree: Node
    first: tuple[int, ...]
    """Some rows of each run of letters, which mostly leave nothing to look at."""
    others: tuple[int, ...]
    """The rest of them, for where these leave something."""

    @property
    def rows(self) -> tuple[int, ...]:
        """All rows that tell something of it."""
        return self.first + self.others

    def may_hold(self, bits: Mapping[int, int], every: int) -> int:
        """Of each row the windows that it is noted for, as bits: those that may have a record.

        `every` is the bits of all windows. What is not asked of the index may be anywhere.
        """
        return _may_hold(self.tree, bits, every)


def narrowing(tree: Node) -> Narrowing | None:
    """How an index narrows a query; None where it does not, or another index does it better."""
    if _has_own_index(tree):
        return None
    runs = [rows_asked(part) for pattern in _patterns(tree) for part in pattern.parts]
    rows = dict.fromkeys(row for run in runs for row in run)
    kept = dict.fromkeys(list(rows)[:ROWS_MOST])
    first = dict.fromkeys(row for run in runs for row in run[::EVERY] if row in kept)
    found = Narrowing(tree, tuple(first), tuple(row for row in kept if row not in first))
    # An index in which nothing is noted must say that there is nothing.
    return None if found.may_hold(dict.fromkeys(found.rows, 0), 1) else found


def _has_own_index(tree: Node) -> bool:
    match tree:
        case And(operands):
            return any(map(_has_own_index, operands))
        case Matches(key, pattern):
            return key.column in OWN_INDEX and len(pattern.parts) == 1
        case _:
            return False


def _may_hold(node: Node, bits: Mapping[int, int], every: int) -> int:
    match node:
        case And(operands):
            return reduce(and_, (_may_hold(one, bits, every) for one in operands), every)
        case Or(operands):
            return reduce(or_, (_may_hold(one, bits, every) for one in operands), 0)
        case _:
            pattern = _pattern(node)
            rows = () if pattern is None else _rows(pattern)
            return reduce(and_, (bits.get(row, every) for row in rows), every)


def _patterns(node: Node) -> Iterator[Pattern]:
    """Every pattern that a record must be like, or like one of some."""
    match node:
        case And(operands) | Or(operands):
            for one in operands:
                yield from _patterns(one)
        case _:
            pattern = _pattern(node)
            if pattern is not None:
                yield pattern


def _pattern(node: Node) -> Pattern | None:
    """What some text that is indexed must be like. A negation says nothing of what is there."""
    match node:
        case Contains(pattern):
            return pattern
        case Matches(key, pattern) if key.column in COLUMNS and key.kind is not Kind.ID:
            return pattern
        case _:
            return None


def _rows(pattern: Pattern) -> Iterator[int]:
    for part in pattern.parts:
        yield from rows_asked(part)
