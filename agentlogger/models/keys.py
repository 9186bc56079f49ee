"""API keys: what a program shows to be let in."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class ApiKey(Base):
    """A key of one project. The key itself is shown once and never stored."""

    __tablename__ = "api_keys"

    id: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, default=uuid.uuid4)
    project_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(20))
    """The first characters, by which people recognise a key in a list."""
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the whole key, in hex: 178 random bits need no slow hash."""
    scopes: Mapped[str] = mapped_column(String(100))
    """Words apart by spaces: ingest, read, admin. Text, for a new scope must be no migration."""
    created_ns: Mapped[int] = mapped_column(Nanoseconds)
    expires_ns: Mapped[int | None] = mapped_column(Nanoseconds)
    last_used_ns: Mapped[int | None] = mapped_column(Nanoseconds)
    revoked_ns: Mapped[int | None] = mapped_column(Nanoseconds)
