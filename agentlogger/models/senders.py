"""Senders: when each key was last sent with."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class Sender(Base):
    """When records last came with a key: stored, or known already, and not merely refused.

    `api_keys.last_used_ns` tells of any request, also of one that reads. Written beside ingest, a
    few seconds late.
    """

    __tablename__ = "senders"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    """The key's first characters; "" for what came without one."""
    last_ns: Mapped[int] = mapped_column(Nanoseconds)
    """The time of receipt: no client's clock has a part in it."""
