"""The extension: one configuration for both doors, and the database's revision for the program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection


@dataclass(frozen=True)
class Verdict:
    """Whether this program can work with a database of this revision, and if not, why.

    `current` and `heads` are revision ids; `sentence` is empty where all is well.
    """

    acceptable: bool
    current: tuple[str, ...]
    heads: tuple[str, ...]
    sentence: str


class Migrations:
    """Flask-Migrate, set up so that `flask db` and bare `alembic` do the same.

    Both read `[tool.alembic]` of the `pyproject.toml` beside the folder, where there is one; an
    installed copy has none, and then only the folder itself is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def init_app(self, app: Flask, db: SQLAlchemy) -> None:
        """Register with the application, as `app.extensions["migrations"]`."""
        migrate = Migrate(directory=self.folder, render_as_batch=False)
        migrate.configure(self._point_at_settings)
        migrate.init_app(app, db)
        app.extensions["migrations"] = self

    def _point_at_settings(self, config: Config) -> Config:
        """Make the configuration of `flask db` the one that bare `alembic` reads."""
        settings = self.folder.parent / "pyproject.toml"
        config.config_file_name = None
        if settings.is_file():
            config.toml_file_name = str(settings)
            config.remove_main_option("script_location")
        else:
            config.set_main_option("script_location", _escaped(self.folder))
        return config

    def configuration(self, **attributes: Any) -> Config:
        """A configuration for calling Alembic from within the program."""
        config = Config(attributes=attributes)
        config.set_main_option("script_location", _escaped(self.folder))
        return config

    def heads(self) -> tuple[str, ...]:
        """The newest revisions this program knows."""
        return tuple(sorted(_script(self.folder).get_heads()))

    def verdict(self, connection: Connection) -> Verdict:
        """Whether the database behind this connection has a revision that this program accepts."""
        current = tuple(sorted(MigrationContext.configure(connection).get_current_heads()))
        heads = self.heads()
        if current == heads:
            return Verdict(True, current, heads, "")
        known = {script.revision for script in _script(self.folder).walk_revisions()}
        unknown = [revision for revision in current if revision not in known]
        if unknown:
            sentence = (
                f"The database is at revision {', '.join(unknown)}, which this program does not "
                "know: it was migrated by a newer one. Start that one, or downgrade with it first."
            )
        else:
            where = f"at revision {', '.join(current)}" if current else "empty"
            sentence = (
                f"The database is {where} and this program needs {', '.join(heads)}: "
                "run `flask db upgrade`."
            )
        return Verdict(False, current, heads, sentence)

    def upgrade(self) -> None:
        """Bring the database to the newest revision, inside an application context.

        Raises alembic.util.CommandError with one sentence where that cannot be.
        """
        command.upgrade(self.configuration(quiet=True), "head")


def _escaped(path: Path) -> str:
    """A path as Alembic's configuration wants it, where a percent sign begins a substitution."""
    return str(path).replace("%", "%%")


@cache
def _script(folder: Path) -> ScriptDirectory:
    """The revisions of a folder, read once: they do not change under a running program."""
    return ScriptDirectory(str(folder))
