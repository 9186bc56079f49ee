"""Column types that mean the same on both databases."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger
from sqlalchemy.dialects.postgresql import JSONB

Nanoseconds = BigInteger
"""Time as signed 64-bit nanoseconds since 1970, UTC. PostgreSQL's timestamptz and SQLite's text
keep less, a zone can be lost on the way, and the year 10000 makes a row unreadable."""

MicroDollars = BigInteger
"""Money as whole millionths of a US dollar: sums are exact."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Any JSON value: JSONB on PostgreSQL, text on SQLite."""
