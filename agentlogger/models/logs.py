"""Log records: one table, for a log record and a span are one thing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Json, MicroDollars, Nanoseconds


class LogRecord(Base):
    """One record: canonical columns for what people ask for, everything else as it was sent.

    On PostgreSQL the table is partitioned by day: `stray` is 0 for a record in the partition of
    its own day and 1 for one whose day has none (docs/decisions/0002-partitions.md).
    """

    __tablename__ = "log_records"
    __table_args__ = (
        Index(
            "ix_log_records_project_id_session_id_ts_ns",
            "project_id",
            "session_id",
            "ts_ns",
            postgresql_where=text("session_id IS NOT NULL"),
            sqlite_where=text("session_id IS NOT NULL"),
        ),
        Index(
            "ix_log_records_project_id_trace_id",
            "project_id",
            "trace_id",
            postgresql_where=text("trace_id IS NOT NULL"),
            sqlite_where=text("trace_id IS NOT NULL"),
        ),
        # What counts by time and severity reads this alone, and no record.
        Index(
            "ix_log_records_project_id_ts_ns_severity_number",
            "project_id",
            "ts_ns",
            "severity_number",
            "stray",
        ),
        {"postgresql_partition_by": "RANGE (stray, ts_ns)"},
    )

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ts_ns: Mapped[int] = mapped_column(Nanoseconds, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Random within a nanosecond, rising within a request; see `store/identifiers.py`."""
    stray: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)

    received_ns: Mapped[int] = mapped_column(Nanoseconds)
    observed_ns: Mapped[int | None] = mapped_column(Nanoseconds)
    ts_source: Mapped[str] = mapped_column(String(16))
    """Where `ts_ns` comes from: emitted, observed, attribute or received."""
    ts_sent: Mapped[str | None] = mapped_column(Text)
    """The time as sent, where it lies outside 1970 to 2262 or means nothing."""

    severity_number: Mapped[int] = mapped_column(SmallInteger)
    severity_text: Mapped[str | None] = mapped_column(Text)
    severity_source: Mapped[str] = mapped_column(String(16))
    """emitted, or derived where the emitter left it unset."""

    event: Mapped[str | None] = mapped_column(Text)
    event_name: Mapped[str | None] = mapped_column(Text)
    """OTLP's own field as sent; `event` is the name by which people know the event."""
    kind: Mapped[str] = mapped_column(String(16))
    """prompt, response, llm, tool, decision, error, session, agent, ... or log."""
    body: Mapped[Any] = mapped_column(Json, nullable=True)

    trace_id: Mapped[str | None] = mapped_column(Text)
    span_id: Mapped[str | None] = mapped_column(Text)
    parent_span_id: Mapped[str | None] = mapped_column(Text)
    flags: Mapped[int | None] = mapped_column(BigInteger)

    session_id: Mapped[str | None] = mapped_column(Text)
    prompt_id: Mapped[str | None] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str | None] = mapped_column(Text)
    tool: Mapped[str | None] = mapped_column(Text)
    tool_call_id: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[str | None] = mapped_column(Text)

    duration_ns: Mapped[int | None] = mapped_column(BigInteger)
    ok: Mapped[bool | None] = mapped_column(Boolean)
    error_type: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)

    tokens_in: Mapped[int | None] = mapped_column(BigInteger)
    tokens_out: Mapped[int | None] = mapped_column(BigInteger)
    tokens_cache_read: Mapped[int | None] = mapped_column(BigInteger)
    tokens_cache_write: Mapped[int | None] = mapped_column(BigInteger)
    tokens_tool: Mapped[int | None] = mapped_column(BigInteger)
    tokens_reasoning: Mapped[int | None] = mapped_column(BigInteger)
    usage_rule: Mapped[str | None] = mapped_column(Text)
    """Which rule made these counts of those that were sent."""
    cost_micro_usd: Mapped[int | None] = mapped_column(MicroDollars)
    cost_source: Mapped[str | None] = mapped_column(Text)
    """reported, computed, upper_bound, or unknown; null for a record that reports no call."""
    price_version: Mapped[str | None] = mapped_column(Text)
    """Whose prices computed the cost."""

    attributes: Mapped[dict[str, Any]] = mapped_column(Json)
    resource: Mapped[dict[str, Any]] = mapped_column(Json)
    scope: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """The instrumentation scope: name, version, attributes."""
    envelope: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What else OTLP's wrappers carry and seldom do: schema URLs, dropped counts, entities."""
    adjustments: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What was replaced or cut so that both databases hold it, by rule (docs/reference.md)."""
