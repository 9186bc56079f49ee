"""Queries with one term more or one less, as people click their way through records."""

from __future__ import annotations

import re

from agentlogger.limits import QUERY_CHARACTERS
from agentlogger.query.parsing import conjuncts, read
from agentlogger.query.tree import Or

PLAIN = re.compile(r"[\w./@:-]+", re.ASCII)
"""Values that mean themselves without quotes."""

UNSET = "unset"
"""What a level is called that nobody set."""


def term(key: str, value: str) -> str:
    """What asks for just this value of a key of the table, letter for letter where that counts."""
    if key == "level" and value == UNSET:
        return "-level:>=trace"
    return f"{key}:{value if PLAIN.fullmatch(value) else phrase(value)}"


def without_any(key: str) -> str:
    """What asks for records that have no value of a key."""
    return f"-has:{key}"


def negated(term: str) -> str:
    """What asks for all others."""
    return term[1:] if term.startswith("-") else f"-{term}"


def phrase(text: str) -> str:
    """A text in quotes, in which nothing but the text is meant."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Refining:
    """A query, and what becomes of it with a term more or less."""

    def __init__(self, text: str) -> None:
        """Read the query. Raises QueryTooLarge."""
        self._text = text.strip()
        self._parts = conjuncts(self._text)

    def has(self, term: str) -> bool:
        """Whether it asks for a term beside whatever else it asks for."""
        meant = read(term).tree
        return any(node == meant for _, node in self._parts or ())

    def with_terms(self, *terms: str) -> str | None:
        """It with terms that must hold too; None where that is longer than a query may be.

        What does not read as a query was searched for as text, and stays that.
        """
        text = self._text
        if self._parts is None:
            text = phrase(text)
        elif len(self._parts) == 1 and isinstance(self._parts[0][1], Or):
            text = f"({text})"
        new = [term for term in dict.fromkeys(terms) if not self.has(term)]
        whole = " ".join([text, *new] if text else new)
        return whole if len(whole) <= QUERY_CHARACTERS else None

    def without(self, term: str) -> str:
        """It without a term, wherever that stands beside the others."""
        meant = read(term).tree
        return " ".join(written for written, node in self._parts or () if node != meant)
