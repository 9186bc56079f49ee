"""The index of texts: which windows of a project's records may have a text (decision 18)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from agentlogger.models.database import Base
from agentlogger.models.types import Nanoseconds


class TextIndex(Base):
    """How far the index has come: one row, or none where it is to begin anew."""

    __tablename__ = "text_index"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Always 1."""
    version: Mapped[int] = mapped_column(BigInteger)
    """Of the grams (`query/grams.py`); an index of another version is of no use."""
    position: Mapped[str] = mapped_column(Text)
    """All arrivals before it are in windows, of those projects that have a row."""


class TextProject(Base):
    """How far the records of a project are indexed that were there before its row."""

    __tablename__ = "text_projects"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    walked_ns: Mapped[int] = mapped_column(Nanoseconds)
    """The key of the last record that was taken, from the newest on: none before it was."""
    walked_id: Mapped[int] = mapped_column(BigInteger)
    is_walked: Mapped[bool] = mapped_column(Boolean)
    """Whether all were."""
    changes: Mapped[int] = mapped_column(BigInteger)
    """Rises when texts of records are changed: what was read before is then not to be written."""


class TextWindow(Base):
    """Some records of a project, about a hundred, that are found together or not at all.

    It waits, with its keys alone; then it is open, with its rows as bits; then it is one of the
    columns of a segment.
    """

    __tablename__ = "text_windows"
    __table_args__ = (Index("ix_text_windows_segment_id_project_id", "segment_id", "project_id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The time at which it was made."""
    project_id: Mapped[int] = mapped_column(BigInteger)
    first_ns: Mapped[int] = mapped_column(Nanoseconds)
    last_ns: Mapped[int] = mapped_column(Nanoseconds)
    records: Mapped[int] = mapped_column(BigInteger)
    keys: Mapped[bytes] = mapped_column(LargeBinary)
    """The keys of the records, as in arrivals."""
    bits: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A bit for each row, the lowest of the first byte first."""
    segment_id: Mapped[int | None] = mapped_column(BigInteger)
    place: Mapped[int | None] = mapped_column(SmallInteger)
    """Which column of the segment it is."""


class TextSegment(Base):
    """Sixty-four windows of a project that are looked at together."""

    __tablename__ = "text_segments"

    project_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The time at which it was made."""
    first_ns: Mapped[int] = mapped_column(Nanoseconds)
    last_ns: Mapped[int] = mapped_column(Nanoseconds)


class TextSlice(Base):
    """Some rows of a segment, each with a bit for each of its windows."""

    __tablename__ = "text_slices"

    segment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    slice: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    bits: Mapped[bytes] = mapped_column(LargeBinary)
    """Eight bytes a row, the lowest bit of the first for the window at place 0."""
