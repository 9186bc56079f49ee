"""Leases: which one of all workers does a piece of work."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class Lease(Base):
    """Who does a piece of work, and until when nobody else may take it over.

    A row stays when its lease ends: `token` must never be a number that it was before.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    """The piece of work."""
    holder: Mapped[str] = mapped_column(String(100))
    """Who has it or had it last; a name that no other holder ever has."""
    token: Mapped[int] = mapped_column(BigInteger)
    """Rises each time that it is taken anew: who brings an older one has lost it."""
    until_ns: Mapped[int] = mapped_column(Nanoseconds)
    """By the database's clock; 0 once it was given back."""
