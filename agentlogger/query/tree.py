"""What a query says, as a small tree that nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from agentlogger.query.keys import Attribute, Key

Operator: TypeAlias = Literal["=", ">", ">=", "<", "<="]


@dataclass(frozen=True)
class Pattern:
    """Texts with any text between each two: one part is a text alone, ("a", "") begins with a."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Contains:
    """Some text of the record has this in it, in upper or lower case."""

    pattern: Pattern


@dataclass(frozen=True)
class Matches:
    """The text behind a key is like this, as the key's kind has it."""

    key: Key
    pattern: Pattern


@dataclass(frozen=True)
class Compares:
    """The number behind a key, in the unit of its column."""

    key: Key
    operator: Operator
    bound: int


@dataclass(frozen=True)
class Flagged:
    """The truth behind a key."""

    key: Key
    value: bool


@dataclass(frozen=True)
class AttributeMatches:
    """A text or truth of an attribute is like this, or a number of it is this one."""

    attribute: Attribute
    pattern: Pattern
    number: Decimal | None


@dataclass(frozen=True)
class AttributeCompares:
    """A number of an attribute; its texts are never compared."""

    attribute: Attribute
    operator: Operator
    bound: Decimal


@dataclass(frozen=True)
class Has:
    """There is a value."""

    of: Key | Attribute


@dataclass(frozen=True)
class Not:
    """All other records, those without the value among them."""

    operand: Node


@dataclass(frozen=True)
class And:
    """All of these hold; without any, of every record."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """One of these holds; without any, of no record."""

    operands: tuple[Node, ...]


Term: TypeAlias = (
    Contains | Matches | Compares | Flagged | AttributeMatches | AttributeCompares | Has
)
Node: TypeAlias = Term | Not | And | Or

EVERYTHING = And(())
NOTHING = Or(())
