"""The ingest ledger: what was refused, came twice, was replaced, or went to a wrong door."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class IngestFinding(Base):
    """One finding about what one sender sent; equal ones are counted in one row.

    The rows of a key and kind are bounded (`limits.FINDINGS_KEPT`), so the table never grows with
    the records.
    """

    __tablename__ = "ingest_ledger"
    __table_args__ = (
        Index(
            "ix_ingest_ledger_project_id_key_kind_last_ns",
            "project_id",
            "key",
            "kind",
            "last_ns",
        ),
    )

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    finding: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """SHA-256 of what makes two findings one: sender, kind, door and code."""
    key: Mapped[str] = mapped_column(String(20))
    """The key's first characters, "" where none was needed: it outlives a key that is deleted."""
    key_name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    door: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    sample: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    """The User-Agent of the request."""
    service: Mapped[str] = mapped_column(Text)
    """service.name, where a record could be read."""
    count: Mapped[int] = mapped_column(BigInteger)
    first_ns: Mapped[int] = mapped_column(Nanoseconds)
    last_ns: Mapped[int] = mapped_column(Nanoseconds)
