"""Alerts: what is watched for, how it stands, what was counted for it, and who was told."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Json, Nanoseconds


class AlertRule(Base):
    """What a project is watched for, and where that is told.

    What is asked never changes, as the text of a saved search does not; the name, the threshold,
    the receiver and whether it is on may.
    """

    __tablename__ = "alert_rules"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, default=uuid.uuid4)
    project_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("projects.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    """count, budget or silence."""
    search_id: Mapped[uuid.UUID | None] = mapped_column(
        Uuid(as_uuid=True), ForeignKey("saved_searches.id", ondelete="SET NULL"), index=True
    )
    """The saved search that `query` is of; gone when that is deleted, and the query stays."""
    query: Mapped[str | None] = mapped_column(Text)
    """Which records a count is of."""
    comparison: Mapped[str | None] = mapped_column(String(2))
    threshold: Mapped[int | None] = mapped_column(BigInteger)
    """Records of a count, millionths of a US dollar of a budget; null for silence."""
    window_seconds: Mapped[int] = mapped_column(BigInteger)
    per: Mapped[str] = mapped_column(String(16))
    """project, key, session or user: of what each one is judged by itself."""
    key: Mapped[str | None] = mapped_column(String(20))
    """The first characters of the one key whose silence is meant."""
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(Text)
    """Signs what is sent. As it is, for a hash could not sign; shown once and in no list."""
    is_enabled: Mapped[bool] = mapped_column(Boolean)
    created_by: Mapped[str] = mapped_column(Text)
    """An account's email or a key, as text: it outlives both."""
    created_ns: Mapped[int] = mapped_column(Nanoseconds)


class AlertState(Base):
    """How a rule stands, or one subject of it: a key, a session or a user.

    The row whose subject is empty is the rule's own: it is there from the first evaluation on.
    """

    __tablename__ = "alert_states"

    rule_id: Mapped[uuid.UUID] = mapped_column(
        Uuid(as_uuid=True), ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True
    )
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    is_firing: Mapped[bool] = mapped_column(Boolean)
    since_ns: Mapped[int] = mapped_column(Nanoseconds)
    """When it began to fire, or ceased to."""
    value: Mapped[int | None] = mapped_column(BigInteger)
    """The last one: records, millionths of a US dollar, or seconds of silence."""
    evaluated_ns: Mapped[int] = mapped_column(Nanoseconds)
    watched_ns: Mapped[int] = mapped_column(Nanoseconds)
    """Since when it has been evaluated without a pause: what nobody watched was not silent."""
    position: Mapped[str | None] = mapped_column(Text)
    """Up to where records are counted (`store/positions.py`), in a count's own row."""
    problem: Mapped[str | None] = mapped_column(Text)
    """Why the last evaluation came to nothing, as a sentence."""


class AlertCount(Base):
    """Records that were counted for a rule: of one subject, received within one step of time."""

    __tablename__ = "alert_counts"

    rule_id: Mapped[uuid.UUID] = mapped_column(
        Uuid(as_uuid=True), ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True
    )
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    from_ns: Mapped[int] = mapped_column(Nanoseconds, primary_key=True, autoincrement=False)
    """Where the step begins."""
    records: Mapped[int] = mapped_column(BigInteger)


class AlertDelivery(Base):
    """What is to be told or was told, and how each try went.

    It is written in the transaction in which the state changes, so that neither is without the
    other, and sent afterwards.
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        Index("ix_alert_deliveries_project_id_created_ns", "project_id", "created_ns"),
        Index("ix_alert_deliveries_rule_id_created_ns", "rule_id", "created_ns"),
        Index(
            "ix_alert_deliveries_next_ns",
            "next_ns",
            postgresql_where=text("next_ns IS NOT NULL"),
            sqlite_where=text("next_ns IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, default=uuid.uuid4)
    """The same in each try, so that a receiver knows what it has had."""
    project_id: Mapped[int] = mapped_column(BigInteger)
    rule_id: Mapped[uuid.UUID] = mapped_column(
        Uuid(as_uuid=True), ForeignKey("alert_rules.id", ondelete="CASCADE")
    )
    subject: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    """firing, resolved or test."""
    body: Mapped[str] = mapped_column(Text)
    """What is sent, byte for byte: what is signed must not be written anew."""
    status: Mapped[str] = mapped_column(String(16))
    """waiting, delivered or failed."""
    attempts: Mapped[int] = mapped_column(BigInteger)
    next_ns: Mapped[int | None] = mapped_column(Nanoseconds)
    """When it is tried next; null where it is not."""
    tries: Mapped[Any] = mapped_column(Json)
    """How each try went: a list of objects with `time_ns`, `status`, `error` and `took_ms`."""
    created_ns: Mapped[int] = mapped_column(Nanoseconds)
