"""Digests of requests: what makes a request that is sent twice be stored once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Json, Nanoseconds


class RequestDigest(Base):
    """A request whose records are stored, as it will be known should it come again.

    Written in the transaction of the records, and gone a while after `expires_ns`.
    """

    __tablename__ = "request_digests"
    __table_args__ = (
        Index("ix_request_digests_project_id_expires_ns", "project_id", "expires_ns"),
    )

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """SHA-256 of the request, or of the Idempotency-Key that came with it."""
    request: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """Of a request with an Idempotency-Key: its own SHA-256, for the key belongs to it alone."""
    received_ns: Mapped[int] = mapped_column(Nanoseconds)
    expires_ns: Mapped[int] = mapped_column(Nanoseconds)
    records: Mapped[int] = mapped_column(BigInteger)
    """How many it held, without those that were refused before they came to the database."""
    repeats: Mapped[int] = mapped_column(BigInteger)
    """How often it came again."""
    rejections: Mapped[Any] = mapped_column(Json, nullable=True)
    """What the database refused of it, as [index, code, reason]; null where that is nothing."""
