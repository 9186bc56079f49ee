"""Column types that mean the same on both databases."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

Nanoseconds = BigInteger
"""Time as signed 64-bit nanoseconds since 1970, UTC. PostgreSQL's timestamptz and SQLite's text
keep less, a zone can be lost on the way, and the year 10000 makes a row unreadable."""

MicroDollars = BigInteger
"""Money as whole millionths of a US dollar: sums are exact."""


class JsonText(TypeDecorator[Any]):
    """JSON as text, for SQLite.

    A column declared JSON has numeric affinity there, which makes 1 of a body that is 1.0 and
    rounds the last digit of others.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The value as JSON text; None is NULL."""
        del dialect
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value behind the text."""
        del dialect
        return None if value is None else orjson.loads(value)


Json = JSONB(none_as_null=True).with_variant(JsonText(), "sqlite")
"""Any JSON value: JSONB on PostgreSQL, text on SQLite."""
