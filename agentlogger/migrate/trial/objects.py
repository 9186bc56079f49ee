"""How a catalogue names an object of a schema: its kind, its name as SQL writes it, its table.

`column users.email`, `index ix_users_email on users`, `function f(integer)`. Names are quoted as
SQL wants them, and those outside the session's own schema begin with theirs, so a name can be put
into a statement as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = (
    "enum",
    "sequence",
    "function",
    "table",
    "virtual table",
    "partition",
    "column",
    "storage",
    "constraint",
    "view",
    "materialized view",
    "index",
    "statistics",
    "rule",
    "trigger",
    "trigger state",
    "row security",
    "policy",
    "options",
)
"""In the order in which they can be made: each needs only what stands before it."""

MODELLED = frozenset({"enum", "table", "column", "constraint", "index"})
"""What models say by themselves. The rest is a history's own, unless the models name it too."""

IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\s".()]+)'
DOTTED = rf"{IDENTIFIER}(?:\.{IDENTIFIER})*"
NAME = re.compile(
    rf"(?P<kind>{'|'.join(sorted(KINDS, key=len, reverse=True))}) (?P<name>{DOTTED})"
    rf"(?P<arguments>\(.*\))?(?: on (?P<table>{DOTTED}))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Thing:
    """An object of a schema. `arguments` are a function's, with their parentheses."""

    kind: str
    name: str
    table: str | None = None
    arguments: str = ""

    def __str__(self) -> str:
        where = f" on {self.table}" if self.table is not None else ""
        return f"{self.kind} {self.name}{self.arguments}{where}"

    @property
    def belongs_to(self) -> str | None:
        """The table that it is a part of and goes with, or None."""
        if self.kind in {"column", "storage"}:
            return self.name.removesuffix("." + self.last)
        if self.kind in {"row security", "options"}:
            return self.name
        return self.table

    @property
    def last(self) -> str:
        """The name without what it is a part of: a column's without its table's."""
        return _parts(self.name)[-1]

    @property
    def schema(self) -> str | None:
        """The schema that it names, without quotes, or None for the session's own."""
        parts = _parts(self.belongs_to or self.name)
        return _bare(parts[0]) if len(parts) > 1 else None

    @property
    def qualified(self) -> str:
        """Its name with the schema of its table, for statements that do not name the table."""
        parts = _parts(self.table or "")
        return f"{parts[0]}.{self.name}" if len(parts) > 1 else self.name

    @property
    def bare(self) -> str:
        """The last part of its name, without quotes, as SQLAlchemy and Alembic want it."""
        return _bare(self.last)

    @property
    def bare_table(self) -> str:
        """The table that it is a part of, without schema and quotes; "" for none."""
        return _bare(_parts(self.belongs_to)[-1]) if self.belongs_to else ""


def parse(key: str) -> Thing:
    """The object behind a catalogue's key. Raises ValueError."""
    match = NAME.fullmatch(key)
    if match is None:
        raise ValueError(f"{key!r} names no object of a schema")
    return Thing(match["kind"], match["name"], match["table"], match["arguments"] or "")


def in_order(keys: Iterable[str], catalogue: Iterable[str] = ()) -> list[str]:
    """Keys in the order in which their objects can be made, foreign keys after all other ones.

    Those of one kind stand as they do in the catalogue, which has a table's columns in order.
    """
    places = {key: place for place, key in enumerate(catalogue)}
    return sorted(keys, key=lambda key: (KINDS.index(parse(key).kind), places.get(key, -1), key))


def _parts(name: str) -> list[str]:
    return re.findall(IDENTIFIER, name)


def _bare(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
