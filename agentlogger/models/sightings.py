"""The schema watch: which service sends which event with which attributes, since when."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Json, Nanoseconds


class Sighting(Base):
    """Records of one service, version and event that have the same attributes, counted in one row.

    The rows of a project are bounded (`limits.SIGHTINGS_KEPT`): the table never grows with the
    records. What found no room is counted in the row whose digest is all zero.
    """

    __tablename__ = "schema_sightings"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """SHA-256 of what makes two records alike: service, version, event and attributes' names."""
    service: Mapped[str] = mapped_column(Text)
    """service.name, "" where there is none; likewise the next two."""
    version: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    attributes: Mapped[Any] = mapped_column(Json)
    """Their names, sorted."""
    is_cut: Mapped[bool] = mapped_column(Boolean)
    """Whether there were more than are kept."""
    records: Mapped[int] = mapped_column(BigInteger)
    first_ns: Mapped[int] = mapped_column(Nanoseconds)
    """Times of receipt: no client's clock can make an attribute old or new."""
    last_ns: Mapped[int] = mapped_column(Nanoseconds)
