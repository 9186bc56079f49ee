"""People who sign in, and how often somebody failed to."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, Boolean, String, Uuid, false
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class User(Base):
    """A person with an account."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(Uuid(as_uuid=True), primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(String, unique=True, index=True)
    full_name: Mapped[str | None] = mapped_column(String)
    password_hash: Mapped[str | None] = mapped_column(String)
    is_admin: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_ns: Mapped[int] = mapped_column(Nanoseconds)
    disabled_ns: Mapped[int | None] = mapped_column(Nanoseconds)


class LoginFailure(Base):
    """Failed sign-ins of one account from one address, or of one address, in the current window."""

    __tablename__ = "login_failures"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of what is counted: no address and no email is kept."""
    failures: Mapped[int] = mapped_column(BigInteger)
    window_start_ns: Mapped[int] = mapped_column(Nanoseconds)
