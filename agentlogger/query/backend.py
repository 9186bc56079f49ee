"""What a query asks of a database; `postgresql` and `sqlite` are the two who answer.

One rule of upper and lower case holds on both: A to Z equal a to z, and any other letter is only
itself. SQLite folds no others, and PostgreSQL would by the rules of a locale that a server chose.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from sqlalchemy import ColumnElement

Condition: TypeAlias = ColumnElement[bool]
Text: TypeAlias = ColumnElement[Any]
"""A column or another expression of SQL that is text, or NULL."""


class Backend(Protocol):
    """How one database looks into records. A condition may be NULL, which counts as false."""

    def folded(self, text: Text) -> Text:
        """The text in lower case, from A to Z."""

    def like(self, text: Text, parts: tuple[str, ...]) -> Condition:
        """Whether it is made of these parts, with any text between each two, case for case."""

    def any_text(self, json: Text, parts: tuple[str, ...]) -> Condition:
        """Whether any text within a JSON value, however deep, is made of these parts when folded.

        Keys are no texts. The parts are in lower case, from A to Z.
        """

    def any_value(
        self, json: Text, name: str, holds: Callable[[Text, Text], Condition]
    ) -> Condition:
        """Whether this holds of what stands under a name in a JSON object.

        A list stands for each of its members.
        `holds` is given the value twice, as text (of a text or a truth, else NULL) and as number
        (of a number, else NULL).
        """

    def has(self, json: Text, name: str) -> Condition:
        """Whether a JSON object has a value other than null under a name."""

    def number(self, value: Decimal) -> ColumnElement[Any]:
        """A number to compare those with that `any_value` gives."""

    def written(self, json: Text) -> Text:
        """JSON as it is written: each text within it letter for letter, but for what is escaped."""

    def has_part(self, text: Text, part: str) -> Condition:
        """Whether a text has this in it, letter for letter."""


PLAIN = re.compile(r"[ !#-\[\]-~]*")
"""Characters that every JSON has as they are: what may be escaped is written in several ways."""

LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
"""For `str.translate`: the same fold of a text that is bound."""


def is_plain(parts: tuple[str, ...]) -> bool:
    """Whether there is something to look for in JSON as it is written, and it stands so there."""
    return any(parts) and all(PLAIN.fullmatch(part) for part in parts)
