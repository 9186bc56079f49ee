"""What it takes to make a value of one type of another, on each database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Time,
    Uuid,
    make_url,
)
from sqlalchemy.types import TypeEngine

from agentlogger.migrate.revisions.recording import dialect_of

POSTGRESQL = dialect_of(make_url("postgresql://"))
SQLITE = dialect_of(make_url("sqlite://"))

FAMILIES: tuple[tuple[type[Any], str], ...] = (
    (Enum, "enum"),
    (String, "text"),
    (Boolean, "boolean"),
    (Integer, "number"),
    (Float, "number"),
    (Numeric, "number"),
    (DateTime, "timestamp"),
    (Date, "date"),
    (Time, "time"),
    (JSON, "json"),
    (Uuid, "uuid"),
    (LargeBinary, "bytes"),
)
"""The first that fits; a native enum is no text to PostgreSQL."""

ASSIGNED = frozenset({("date", "timestamp")})
"""What PostgreSQL turns into the other by itself, beside anything into text."""

KEPT_BY_SQLITE = frozenset({"text", "enum", "json", "timestamp", "date", "time"})
"""SQLite keeps these as text, so a value of one is a value of another."""


class ByDatabase(str):
    """SQL that differs by database, as PostgreSQL takes it; a revision has the choice, for both."""

    __slots__ = ("on_sqlite",)
    on_sqlite: str

    @classmethod
    def of(cls, on_postgresql: str, on_sqlite: str) -> str:
        """One text for both where they take the same."""
        if on_postgresql == on_sqlite:
            return on_postgresql
        made = cls(on_postgresql)
        made.on_sqlite = on_sqlite
        return made

    def __repr__(self) -> str:
        name = "op.get_context().dialect.name"
        return f'{super().__repr__()} if {name} == "postgresql" else {self.on_sqlite!r}'


def family(type_: TypeEngine[Any]) -> str:
    """What kind of values a type has; its own name where no other type is like it."""
    plain: Any = getattr(type_, "impl_instance", type_)
    if isinstance(plain, Enum) and not plain.native_enum:
        return "text"
    return next((name for kind, name in FAMILIES if isinstance(plain, kind)), repr(plain))


def written(type_: TypeEngine[Any]) -> str:
    """A type as PostgreSQL writes it."""
    return str(type_.compile(dialect=POSTGRESQL))


def is_in_place(old: TypeEngine[Any], new: TypeEngine[Any]) -> bool:
    """Whether PostgreSQL changes the type without a look at any row.

    So it is for text that may be longer, and for numbers with more digits before the point.
    """
    if written(old) == written(new):
        return True
    one: Any = getattr(old, "impl_instance", old)
    other: Any = getattr(new, "impl_instance", new)
    if "enum" in {family(old), family(new)}:
        return False
    if isinstance(one, String) and isinstance(other, String):
        fixed = written(old).startswith("CHAR") or written(new).startswith("CHAR")
        return not fixed and _is_wider(one.length, other.length)
    if type(one) is type(other) is Numeric or {type(one), type(other)} <= {Numeric}:
        return other.precision is None or (
            one.scale == other.scale and _is_wider(one.precision, other.precision)
        )
    return False


def _length(type_: TypeEngine[Any]) -> int | None:
    return getattr(getattr(type_, "impl_instance", type_), "length", None)


def _is_wider(old: int | None, new: int | None) -> bool:
    return new is None or (old is not None and new >= old)


def converted(column: str, old: TypeEngine[Any], new: TypeEngine[Any]) -> str:
    """The SQL that makes a value of the new type of a column of the old one; its name if it is one.

    A time without a zone is taken for UTC, whatever zone the session is in.
    """
    return ByDatabase.of(_on_postgresql(column, old, new), _on_sqlite(column, old, new))


def _on_postgresql(column: str, old: TypeEngine[Any], new: TypeEngine[Any]) -> str:
    one, other = family(old), family(new)
    if one == other == "timestamp":
        zones = [
            bool(getattr(getattr(x, "impl_instance", x), "timezone", False)) for x in (old, new)
        ]
        return column if zones[0] == zones[1] else f"{column} AT TIME ZONE 'UTC'"
    if one == other or (one, other) in ASSIGNED or (other == "text" and _length(new) is not None):
        # Assigned and not cast: a cast to a shorter text would cut it off without a word.
        return column
    if (one, other) == ("enum", "enum"):
        return f"CAST(CAST({column} AS TEXT) AS {written(new)})"
    return f"CAST({column} AS {written(new)})"


def _on_sqlite(column: str, old: TypeEngine[Any], new: TypeEngine[Any]) -> str:
    one, other = family(old), family(new)
    if one == other or {one, other} <= KEPT_BY_SQLITE:
        return column
    if (one, other) == ("text", "uuid"):
        # SQLAlchemy keeps a UUID as its digits there.
        return f"lower(replace({column}, '-', ''))"
    return f"CAST({column} AS {new.compile(dialect=SQLITE)})"
