"""The application without its doors: settings, models and migrations, for commands that migrate.

Bare `alembic` makes it by `migrations/env.py`, `flask db` by `agentlogger/wsgi.py`: they answer in
half the time, and work where a part of the whole application cannot be loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Flask

from agentlogger import __version__
from agentlogger.config import Settings, read_settings
from agentlogger.migrate import Migrations
from agentlogger.models.database import db
from agentlogger.models.tables import HOT, TABLES
from agentlogger.surroundings import migrations_folder

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


def create_app(config: Settings | None = None) -> Flask:
    """An application to migrate in, that serves nothing; `config` stands in for the environment.

    No database is asked yet. Raises SettingInvalid.
    """
    return found(__name__, config or read_settings())


def found(
    name: str, settings: Settings, *, engine_options: Mapping[str, Any] = NO_OPTIONS
) -> Flask:
    """An application with its settings, models and migrations: what every other part stands on.

    `engine_options` are what its own connections are made with; a migration makes others.
    """
    app = Flask(name, instance_path=str(settings.instance_path))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=dict(engine_options),
        TESTING=settings.testing,
        AGENTLOGGER_BACKFILLS=settings.backfills,
        PROPAGATE_EXCEPTIONS=False,
        **settings.migrations,
    )
    db.init_app(app)
    hot = [table.__tablename__ for table in HOT]
    Migrations(migrations_folder(), __version__, hot_tables=hot).init_app(app, db)
    return app


assert TABLES  # noqa: S101  (imported so that the metadata is whole)
