"""Calls of models: one row a call, however many records report it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Json, MicroDollars, Nanoseconds


class ModelCall(Base):
    """One call of a model, made of all reports of it.

    `reports` is what is known; every other column but the key is made from it by rule
    (`store/merging.py`), so that the row is the same in whatever order the reports came.
    """

    __tablename__ = "model_calls"
    __table_args__ = (
        Index("ix_model_calls_project_id_ts_ns_call_id", "project_id", "ts_ns", "call_id"),
        Index(
            "ix_model_calls_project_id_session_id_ts_ns",
            "project_id",
            "session_id",
            "ts_ns",
            postgresql_where=text("session_id IS NOT NULL"),
            sqlite_where=text("session_id IS NOT NULL"),
        ),
        Index(
            "ix_model_calls_project_id_fingerprint",
            "project_id",
            "fingerprint",
            postgresql_where=text("fingerprint IS NOT NULL"),
            sqlite_where=text("fingerprint IS NOT NULL"),
        ),
    )

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    call_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts_ns: Mapped[int] = mapped_column(Nanoseconds)
    """The earliest time that any report of it has."""
    session_id: Mapped[str | None] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[str | None] = mapped_column(Text)
    ok: Mapped[bool | None] = mapped_column(Boolean)
    """Whether it worked; null where no report says so."""
    duration_ns: Mapped[int | None] = mapped_column(BigInteger)
    """How long it took; null where no report says so, and for calls from before it was kept."""
    failed_before: Mapped[int] = mapped_column(BigInteger)
    """Attempts that failed before this one and that no report of their own tells."""
    tokens_in: Mapped[int | None] = mapped_column(BigInteger)
    tokens_cache_read: Mapped[int | None] = mapped_column(BigInteger)
    tokens_cache_write: Mapped[int | None] = mapped_column(BigInteger)
    tokens_tool: Mapped[int | None] = mapped_column(BigInteger)
    tokens_out: Mapped[int | None] = mapped_column(BigInteger)
    tokens_reasoning: Mapped[int | None] = mapped_column(BigInteger)
    usage_rule: Mapped[str | None] = mapped_column(Text)
    cost_micro_usd: Mapped[int | None] = mapped_column(MicroDollars)
    cost_source: Mapped[str | None] = mapped_column(Text)
    """reported, computed, upper_bound, or unknown; null for a call that failed without a cost."""
    price_version: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """What it has alike with others: a report without a name finds its call by this."""
    reports: Mapped[Any] = mapped_column(Json)
    """What each record says of it: a list of objects, in the order of their times."""
    api_key: Mapped[str | None] = mapped_column(Text)
    """The first characters of the key that the report which counts was sent with."""


class ModelCallKey(Base):
    """A name of a call: an id of its response, its request or its span, or a record of it.

    A fingerprint has a row too, with 0 for its many calls: whoever looks for them locks that row.
    """

    __tablename__ = "model_call_keys"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    """The first half of a SHA-256: clients' texts have any length."""
    call_id: Mapped[int] = mapped_column(BigInteger)
