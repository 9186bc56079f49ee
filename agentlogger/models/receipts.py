"""Receipts: what became of all that was sent, counted."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base


class Receipt(Base):
    """What one writer received for one project on one day: sent = stored + duplicates + refused.

    Counted in the transaction of the records, so no kill makes the two differ. Each writing process
    has rows of its own: no two wait for each other's count.
    """

    __tablename__ = "receipts"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Days since 1970, UTC, of the receipt."""
    writer: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """A number that a process takes by chance."""
    stored: Mapped[int] = mapped_column(BigInteger)
    duplicates: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
