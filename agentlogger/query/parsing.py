"""Text to a tree. Every text is a query: what does not read as one is searched for, with a hint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from agentlogger.errors import QueryTooLarge
from agentlogger.limits import QUERY_CHARACTERS, QUERY_DEPTH, QUERY_TERMS, REASON_CHARACTERS
from agentlogger.query import values
from agentlogger.query.keys import COMPARED, TIMES, Attribute, Key, Kind, known, nearest
from agentlogger.query.tree import (
    EVERYTHING,
    And,
    AttributeCompares,
    AttributeMatches,
    Contains,
    Flagged,
    Has,
    Matches,
    Node,
    Not,
    Operator,
    Or,
    Pattern,
)

TERMS = {"word", "match", "comparison", "member", "has"}
"""What the limit of terms counts: each is a condition of its own."""

CLOSED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
ESCAPED = re.compile(r'\\(["\\])')
OPERATORS: dict[str, Operator] = {"=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


@dataclass(frozen=True)
class Query:
    """A query as it was understood.

    `hints` says, a sentence each, what was searched for as text since it reads as nothing else;
    where a query decides about more than what is shown, whoever reads it should refuse any.
    """

    tree: Node
    hints: tuple[str, ...] = ()


def read(text: str) -> Query:
    """The query that a text is. Raises QueryTooLarge, and nothing else."""
    if len(text) > QUERY_CHARACTERS:
        raise QueryTooLarge(
            f"The query has {len(text):,} characters, of at most {QUERY_CHARACTERS:,}: ask for "
            "less at once."
        )
    found = _parsed(text)
    if isinstance(found, UnexpectedInput):
        hint = f"This does not read as a query, since {_why(text, found)}; it was searched for as "
        return Query(Contains(Pattern((text.strip(),))), (f"{hint}it stands.",))
    _measure(found)
    reading = _Reading(text)
    tree = reading.node(found.children[0]) if found.children else EVERYTHING
    return Query(tree, tuple(dict.fromkeys(reading.hints)))


def conjuncts(text: str) -> list[tuple[str, Node]] | None:
    """What must all hold, each part as it is written and as it is understood.

    None where the text does not read as a query. Raises QueryTooLarge.
    """
    if len(text) > QUERY_CHARACTERS or isinstance(found := _parsed(text), UnexpectedInput):
        return None
    _measure(found)
    top = [one for one in found.children if isinstance(one, Tree)]
    parts = top[0].children if top and top[0].data == "both" else top
    reading = _Reading(text)
    return [(_written(part, text), reading.node(part)) for part in parts]


def _written(part: Tree[Token] | Token, text: str) -> str:
    """A part of a query as it stands there, with the parentheses around it."""
    assert isinstance(part, Tree)  # noqa: S101  (a part is no token)
    begin = getattr(part.meta, "container_start_pos", part.meta.start_pos)
    return text[begin : getattr(part.meta, "container_end_pos", part.meta.end_pos)]


def _parsed(text: str) -> Tree[Token] | UnexpectedInput:
    try:
        return _grammar().parse(text)
    except UnexpectedInput as fault:
        return fault


@cache
def _grammar() -> Lark:
    """Made once in a process, by the first query."""
    written = resources.files("agentlogger.query").joinpath("grammar.lark").read_text("utf-8")
    return Lark(written, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _measure(found: Tree[Token]) -> None:
    """Refuse what would cost the database too much. Raises QueryTooLarge."""
    waiting, terms = [(found, 0)], 0
    while waiting:
        tree, depth = waiting.pop()
        terms += tree.data in TERMS
        if depth > QUERY_DEPTH or terms > QUERY_TERMS:
            raise QueryTooLarge(
                f"The query has more than {QUERY_TERMS} terms, or nests deeper than {QUERY_DEPTH} "
                "levels: ask for less at once."
            )
        waiting += [(one, depth + 1) for one in tree.children if isinstance(one, Tree)]


def _why(text: str, fault: UnexpectedInput) -> str:
    """What stands in the way, and where, counted from 1."""
    if isinstance(fault, UnexpectedToken) and fault.token.type == "$END":
        return "something is missing at its end"
    place = fault.pos_in_stream or 0
    if text[place] == '"' and not CLOSED.match(text, place):
        return f"the quote at character {place + 1} is not closed"
    what = text[place:].split(maxsplit=1)[0]
    return f"{_shown(what)} was not expected at character {place + 1}"


class _Reading:
    """One text on its way to a tree, with the hints that come up."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.hints: list[str] = []

    def node(self, found: Tree[Token] | Token) -> Node:
        """The node of a part of what the grammar found."""
        assert isinstance(found, Tree)  # noqa: S101  (tokens are read by the rules around them)
        if found.data == "negation":
            return Not(self.node(found.children[0]))
        if found.data in {"both", "either"}:
            operands = tuple(self.node(child) for child in found.children)
            return And(operands) if found.data == "both" else Or(operands)
        if found.data == "word":
            return self._word(found.children[0])
        written = self.text[found.meta.start_pos : found.meta.end_pos]
        head, *rest = found.children
        name = str(rest[0]) if found.data == "has" else str(head)[:-1]
        of = _of(name)
        if of is None:
            self.hints.append(_unknown(name, written))
            return _as_text(written)
        if found.data == "has":
            return Has(of)
        operator = OPERATORS[str(rest.pop(0))] if found.data == "comparison" else "="
        try:
            nodes = tuple(_asked(of, operator, *_value(child)) for child in rest)
        except values.Meaningless as reason:
            self.hints.append(f"{_shown(written)} was searched for as text: {name} takes {reason}.")
            return _as_text(written)
        return nodes[0] if len(nodes) == 1 else Or(nodes)

    def _word(self, token: Tree[Token] | Token) -> Node:
        text, pattern = str(token), _pattern(token)
        of = _of(text[:-1]) if text.endswith(":") else None
        if of is not None:
            hint = f"{_shown(text)} was searched for as text: a value stands right behind the colon"
            if isinstance(of, Attribute) or of.kind in COMPARED:
                # A shell has cut it there, and written the answer to a file of the value's name.
                hint += f". In a shell a comparison stands in quotes: '{_shown(text)}>...'"
            self.hints.append(f"{hint}.")
        return EVERYTHING if not any(pattern.parts) else Contains(pattern)


def _asked(of: Key | Attribute, operator: Operator, text: str, pattern: Pattern) -> Node:
    """What one key and one value ask for. Raises values.Meaningless."""
    if operator == "=" and pattern.parts == ("", ""):
        return Has(of)
    if isinstance(of, Attribute):
        number = values.number(text)
        if operator == "=":
            return AttributeMatches(of, pattern, number)
        if number is None:
            raise values.Meaningless("a number behind a comparison")
        return AttributeCompares(of, operator, number)
    if of.kind in COMPARED:
        return values.compared(of, operator, text)
    if operator != "=":
        raise values.Meaningless("no comparison, since it has no order")
    if of.kind is Kind.FLAG:
        return Flagged(of, values.flag(text))
    return Matches(of, pattern)


def _of(name: str) -> Key | Attribute | None:
    """What a name before a colon stands for."""
    if not name.startswith("@"):
        return known(name)
    name = name[1:]
    return Attribute(_unquoted(name) if name.startswith('"') else name)


def _value(found: Tree[Token] | Token) -> tuple[str, Pattern]:
    """A value as text, and as the pattern that it is."""
    assert isinstance(found, Tree)  # noqa: S101  (`value` and `member` are rules)
    token = found.children[0]
    pattern = _pattern(token)
    return "*".join(pattern.parts), pattern


def _pattern(token: Tree[Token] | Token) -> Pattern:
    """The pattern of a token: a star is one only outside quotes."""
    text = str(token)
    if isinstance(token, Token) and token.type == "PHRASE":
        return Pattern((_unquoted(text),))
    # Two stars ask for what one does.
    return Pattern(tuple(re.sub(r"\*+", "*", text).split("*")))


def _unquoted(text: str) -> str:
    return ESCAPED.sub(r"\1", text[1:-1])


def _as_text(written: str) -> Node:
    return Contains(Pattern((written,)))


def _unknown(name: str, written: str) -> str:
    """Why a name before a colon means nothing, and what to write instead."""
    begin = f"{_shown(written)} was searched for as text, since {_shown(name)} is no key: "
    if name.lower() in TIMES:
        return f"{begin}time is no part of a query, and chosen beside it."
    close = " or ".join(nearest(name))
    attribute = name if re.fullmatch(r'[^\s()":]+', name) else f'"{name}"'
    meant = f"did you mean {close}? An" if close else "an"
    return f"{begin}{meant} attribute is written @{attribute}:..."


def _shown(text: str) -> str:
    """A part of the query, short enough for a sentence."""
    return text if len(text) <= REASON_CHARACTERS else f"{text[:REASON_CHARACTERS]}..."
