"""Identities: what makes a record that is sent twice be stored once."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class RecordIdentity(Base):
    """An identity that a client gave to a record, and where the first such record is.

    A table of its own, since a unique index on a partitioned table must hold the time, and a
    retry with another time would slip through it. Not partitioned; the first stored time wins.
    """

    __tablename__ = "placed_identities"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    identity: Mapped[bytes] = mapped_column(LargeBinary(40), primary_key=True)
    """Its place among others, and the digest that older programs know it by."""
    ts_ns: Mapped[int] = mapped_column(Nanoseconds)
    record_id: Mapped[int] = mapped_column(BigInteger)


class FormerIdentity(Base):
    """The same as older programs write it: by its digest alone."""

    __tablename__ = "record_identities"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    identity: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """SHA-256 of the kind of identity and its value: clients' texts have any length."""
    ts_ns: Mapped[int] = mapped_column(Nanoseconds)
    record_id: Mapped[int] = mapped_column(BigInteger)
