"""What one command was asked to do, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.script import ScriptDirectory
from sqlalchemy import URL, MetaData

from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.loading import Loaded
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.declared import Declared

DIALECTS: Mapping[str, Dialect] = Loaded(
    {name: f"agentlogger.migrate.{name}.answers" for name in ("postgresql", "sqlite")}
)

if TYPE_CHECKING:  # For mypy alone, which compares both with the protocol.
    from agentlogger.migrate.postgresql import answers as of_postgresql
    from agentlogger.migrate.sqlite import answers as of_sqlite

    CHECKED: tuple[Dialect, ...] = (of_postgresql, of_sqlite)


@dataclass
class Task:
    """A command of either door, settled."""

    script: ScriptDirectory
    revisions: tuple[Declared, ...]
    url: URL
    options: Options
    metadata: MetaData
    program: str
    command: str
    doing: str
    is_quiet: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    """For `context.configure`, from Flask-Migrate."""
    state: State | None = None
    """The database beside the tree, once it is known."""

    @property
    def folder(self) -> Path:
        """Alembic's folder: where `env.py` and `migrations.sum` are."""
        return Path(self.script.dir)

    @property
    def dialect(self) -> Dialect:
        """How this database does it."""
        return DIALECTS[self.url.get_backend_name()]
