"""How a database words what stands on its tables, so that two texts that mean the same are one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Index


@dataclass(frozen=True)
class Wording:
    """What stands on one table, in the words of the database itself, by bare names."""

    types: Mapping[str, str] = field(default_factory=dict)
    """By column."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """By column: the expression behind DEFAULT."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """By column: what it is generated from, and whether that is kept."""
    constraints: Mapping[str, str] = field(default_factory=dict)
    """CHECK and UNIQUE constraints that have a name."""
    unnamed: tuple[str, ...] = ()
    """CHECKs without a name; PostgreSQL gives one to each."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By column: those that a CHECK lists, where there are no enum types."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    """Those that belong to no constraint."""
    unseen: Mapping[str, Index] = field(default_factory=dict)
    """Indexes among them that SQLAlchemy does not reflect; each is on a table of its own."""


@dataclass(frozen=True)
class Wordings:
    """The tables of the database beside those of the models, by the key of the model's table."""

    live: Mapping[str, Wording]
    wanted: Mapping[str, Wording]
    """As the database would word what the models say, if it had it."""
    failures: Mapping[str, str]
    """Why the database cannot tell how it would word a table of the models."""
