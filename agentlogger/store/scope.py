"""Whose records a function may touch. Every function of this room takes a scope first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProjectScope:
    """One project: nothing outside it can be read or written."""

    project_id: int


@dataclass(frozen=True)
class OperatorScope:
    """The whole server, for what belongs to no project: accounts, keys, partitions, health."""

    reason: str
    """Why this reaches beyond one project; for readers of the code and of its logs."""
