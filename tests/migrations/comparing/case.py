"""A change of models as data: tables before and after, rows, and what must come of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from agentlogger.migrate import causes

BOTH = ("sqlite", "postgresql")
POSTGRESQL = ("postgresql",)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""The naming convention under which the 43 were measured."""

Models = Callable[[sa.MetaData], Any]
Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Written:
    """The change is written: these are the rows after it, and after it was taken back."""

    query: str = "SELECT id FROM logs ORDER BY id"
    rows: Rows = ((1,),)
    query_back: str = ""
    rows_back: Rows | None = None
    inserts: str = ""
    """What a program of the new models writes, as row 2."""
    refuses: str = ""
    """What the database refuses from then on."""
    stays: Sequence[str] = ()
    """What PostgreSQL cannot take back."""
    lacks: str = ""
    """What no file says, since it is no change of its own."""
    ready: str = ""
    """What somebody must do to the rows before it can be applied."""
    first: str = ""
    """What somebody must do to the rows before it can be taken back."""


@dataclass(frozen=True)
class Told:
    """Nothing is written, and these words say why."""

    words: Sequence[str]


@dataclass(frozen=True)
class Refused:
    """Nothing is written, and the command ends for this cause with these words."""

    cause: type[causes.Refused]
    words: Sequence[str]
    x: Sequence[str] = ()
    """With what it is written after all."""
    then: Written | None = None


@dataclass(frozen=True)
class Nothing:
    """There is nothing to write and nothing to say."""


@dataclass(frozen=True)
class Case:
    """One change of the models."""

    number: str
    does: str
    before: Models
    after: Models
    expected: Written | Told | Refused | Nothing
    rows: Sequence[str] = ()
    by_hand: Sequence[str] = ()
    """What somebody did to the database beside its history."""
    x: Sequence[str] = ()
    on: Sequence[str] = BOTH
    why: str = ""
    """Why it is not on both databases."""
    names: dict[str, str] = field(default_factory=lambda: dict(NAMES))

    def __str__(self) -> str:
        return f"{self.number} {self.does}"
