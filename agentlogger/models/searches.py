"""Saved searches: queries that somebody gave a name."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class SavedSearch(Base):
    """A query of one project under a name. Its text never changes: what is built on it stays true.

    It was read without a hint when it was saved, so each part of it means what its author wrote.
    """

    __tablename__ = "saved_searches"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, default=uuid.uuid4)
    project_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("projects.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(100))
    query: Mapped[str] = mapped_column(Text)
    """In the language of docs/query-language.md."""
    created_by: Mapped[str] = mapped_column(Text)
    """An account's email or a key, as text: it outlives both."""
    created_ns: Mapped[int] = mapped_column(Nanoseconds)
