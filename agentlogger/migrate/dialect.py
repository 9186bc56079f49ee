"""What a database must tell the migration room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine

from agentlogger.migrate.lock import Lock

NameFilter = Callable[[str | None, str, Mapping[str, Any]], bool]
"""Alembic's `include_name`: whether autogenerate looks at this name of this type."""


class Dialect(Protocol):
    """How one database does it; the modules `postgresql` and `sqlite` are the two."""

    @property
    def CONTEXT_ARGUMENTS(self) -> Mapping[str, Any]:  # noqa: N802  (a module's constant)
        """What `context.configure` is told beyond what both share."""

    def make_engine(self, url: URL, *, writes: bool) -> Engine:
        """An engine of the migration's own, without a pool."""

    def make_lock(self, url: URL, doing: str) -> Lock:
        """The lock that a migrator of this database holds; `doing` is what others are told."""

    def names_of_models(self, connection: Connection) -> NameFilter:
        """What autogenerate may see: not what the models do not own."""

    def broken_references(self, connection: Connection) -> list[str]:
        """Tables with rows whose foreign key points nowhere, after a migration."""
