"""What a database tells of a table that is to be filled with synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass

from agentlogger.migrate.trial.sampling import Reference


@dataclass(frozen=True)
class Column:
    """A column, and what a synthetic row can have there."""

    name: str
    type: str
    """As SQL writes it."""
    value: str | None
    """SQL of a value of the type that differs with the number `n`; None where none is known."""
    is_nullable: bool
    has_default: bool
    """Whether it may be left to the database."""
    is_written: bool = True
    """False of a generated column, which takes no value."""


@dataclass(frozen=True)
class Part:
    """A partition that holds rows."""

    name: str
    """As SQL writes it."""
    condition: str
    """What its rows must be like; "" for any."""


@dataclass(frozen=True)
class Table:
    """A table, with every rule that its rows must obey now or after a later revision."""

    name: str
    columns: tuple[Column, ...]
    references: tuple[Reference, ...] = ()
    conditions: tuple[str, ...] = ()
    """Those of its CHECKs."""
    parts: tuple[Part, ...] = ()

    @property
    def written(self) -> tuple[str, ...]:
        """The columns that a program writes."""
        return tuple(column.name for column in self.columns if column.is_written)
