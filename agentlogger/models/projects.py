"""Projects: the walls between records of different owners."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Json, Nanoseconds


class Project(Base):
    """A project. Its id is in every key of the big tables (see docs/decisions/)."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Made by the application: a number, since it stands in every row and every index entry."""
    name: Mapped[str] = mapped_column(String(100), unique=True)
    created_ns: Mapped[int] = mapped_column(Nanoseconds)
    redaction: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What of the redaction of secrets is chosen otherwise than by default."""
