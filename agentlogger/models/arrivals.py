"""Arrivals: which records each transaction has stored, in the order in which they are read on."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class Arrival(Base):
    """What one transaction has stored or completed of one project's records.

    Written in the transaction of the records, and gone a while later: it is for those who read on,
    and not for those who look back (docs/decisions/0019-arrivals.md).
    """

    __tablename__ = "arrivals"

    origin: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Which history of a database the numbers belong to: they begin anew in a restored one."""
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """On PostgreSQL the transaction's id, on SQLite one that rises with each transaction."""
    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    received_ns: Mapped[int] = mapped_column(Nanoseconds)
    records: Mapped[int] = mapped_column(BigInteger)
    """How many keys there are."""
    completed: Mapped[int] = mapped_column(BigInteger)
    """How many of them, the last ones, were there before and have been completed."""
    keys: Mapped[bytes] = mapped_column(LargeBinary)
    """The keys of the records: all times, then all ids, each in eight bytes, the highest first."""
