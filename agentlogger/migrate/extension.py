"""The extension: one configuration for both doors, and the database's revision for the program."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Connection, make_url

from agentlogger.migrate.backfills import progress, worker
from agentlogger.migrate.backfills.progress import Backfill
from agentlogger.migrate.causes import BackfillUnfinished, OlderAlive
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.graph import State, heads_of, state_of
from agentlogger.migrate.ledger.instances import Instance
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.ledger.tables import present
from agentlogger.migrate.ledger.window import Verdict, judge
from agentlogger.migrate.loading import Loaded
from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import load
from agentlogger.migrate.status import status
from agentlogger.migrate.task import DIALECTS

TRIALS: Mapping[str, Callable[[], Any]] = Loaded(
    {name: f"agentlogger.migrate.trials:{name}" for name in ("plan", "drift")}
)
"""What is tried in a scratch database, which a server is seldom asked for and loads then."""


class Migrations:
    """Flask-Migrate, set up so that `flask db` and bare `alembic` do the same.

    Both read `[tool.alembic]` of the `pyproject.toml` beside the folder, where there is one; an
    installed copy has none, and then only the folder itself is needed. `version` is the program's
    own, which the history keeps of each revision it applies. `hot_tables` are those that a service
    writes to all the time and `small_tables` those that stay small, for `flask db lint`.
    """

    def __init__(
        self,
        folder: Path,
        version: str = "unknown",
        *,
        hot_tables: Iterable[str] = (),
        small_tables: Iterable[str] = (),
    ) -> None:
        self.folder = folder
        self.version = version
        self.hot_tables = tuple(hot_tables)
        self.small_tables = tuple(small_tables)

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
            config.set_main_option("revision_environment", "true")
        return config

    def configuration(self, **attributes: Any) -> Config:
        """A configuration for calling Alembic from within the program."""
        config = Config(attributes=attributes)
        config.set_main_option("script_location", _escaped(self.folder))
        config.set_main_option("revision_environment", "true")
        return config

    def heads(self) -> tuple[str, ...]:
        """The newest revisions this program knows."""
        return heads_of(revisions_in(self.folder))

    def state(self, connection: Connection) -> State:
        """The database behind this connection, beside this program's revisions."""
        return state_of(connection, revisions_in(self.folder))

    def status(self, connection: Connection, state: State) -> Mapping[str, Any]:
        """What this database is, has, lacks and waits for, as `flask db status --json` says it.

        `state` is what `state()` says of the same connection. Inside an application context. It
        never waits for the migrator's lock.
        """
        return status(
            connection,
            state,
            url=database_url(current_app),
            folder=self.folder,
            program=self.version,
            has_key=bool(keys_of(current_app.config)),
        )

    def plan(self) -> Mapping[str, Any]:
        """What an upgrade would do, as `flask db plan --json` says it.

        Inside an application context. It takes seconds, and a minute or two where much is to be
        tried. Raises Refused with one sentence where nobody can tell, or another trial is made.
        """
        found: Mapping[str, Any] = TRIALS["plan"]().as_json()
        return found

    def drift(self) -> Mapping[str, Any]:
        """Where database, history and models differ, as `flask db drift --json`; likewise."""
        found: Mapping[str, Any] = TRIALS["drift"]().as_json()
        return found

    def instances(self, connection: Connection) -> list[Instance]:
        """The programs that use this database now, oldest first."""
        return instances.alive(connection)

    def verdict(self, connection: Connection) -> Verdict:
        """Whether the database behind this connection has a revision that this program accepts."""
        current = tuple(sorted(MigrationContext.configure(connection).get_current_heads()))
        if current == self.heads():
            # What a probe asks every few seconds: the history, with its texts, need not be read.
            return Verdict(True, current, current, "")
        return judge(self.state(connection))

    def beat(self, connection: Connection, p99_ms: float | None) -> None:
        """Say that this program is alive, with its version and heads; every ten seconds or so.

        `p99_ms` is how long the slowest hundredth of its answers took lately. Nothing is written to
        a database that this room has not migrated yet. The caller commits.
        """
        if present(connection):
            instances.beat(connection, self.version, self.heads(), p99_ms)

    def leave(self, connection: Connection) -> None:
        """Say that this program ends. The caller commits."""
        if present(connection):
            instances.leave(connection)

    def backfills(self, connection: Connection) -> list[Backfill]:
        """How far each backfill of the database behind this connection has come."""
        return progress.backfills(connection)

    def backfill(self, stop: threading.Event) -> None:
        """Work off what the database's revisions have left for later, until `stop` is set.

        Inside an application context, and in any number of processes: one of them gets each
        backfill. Returns soon where there is nothing to do, or others do it. Raises Refused with
        one sentence where a backfill cannot go on, and DBAPIError where the database is away.
        """
        url = database_url(current_app)
        dialect = DIALECTS[url.get_backend_name()]
        engine = dialect.make_engine(url, writes=True, name=worker.SESSION_NAME)
        surroundings = worker.Surroundings(
            engine=engine,
            dialect=dialect,
            options=Options((), current_app.config),
            keys=keys_of(current_app.config),
            stop=stop,
        )
        try:
            with engine.connect() as connection:
                waiting = [one.name for one in self.backfills(connection) if one.is_open]
            for name in waiting:
                if not stop.is_set():
                    worker.Worker(surroundings, name).work()
        finally:
            engine.dispose()

    def upgrade(self) -> State:
        """Bring the database to where this program can work, inside an application context.

        That is the newest revision; while an older program is alive, the last one before what
        would break it, and while a backfill is unfinished, the last one before what needs it.
        Returns where the database is then. Raises Refused with one sentence where this program
        cannot work with what there is.
        """
        try:
            self._upgrade()
        except BackfillUnfinished as waits:
            reached = self._reached()
            if not judge(reached).acceptable:
                raise
            print(f"Left for later: {waits}", file=sys.stderr, flush=True)  # noqa: T201
            return reached
        return self._reached()

    def _upgrade(self) -> None:
        try:
            command.upgrade(self.configuration(quiet=True), "head")
        except OlderAlive as waits:
            print(f"Left for later: {waits}", file=sys.stderr, flush=True)  # noqa: T201
            command.upgrade(self.configuration(quiet=True, x=["phase=expand"]), "head")

    def _reached(self) -> State:
        url = database_url(current_app)
        engine = DIALECTS[url.get_backend_name()].make_engine(url, writes=False)
        try:
            with engine.connect() as connection:
                return self.state(connection)
        finally:
            engine.dispose()


def database_url(app: Flask) -> URL:
    """Where migrations go: `MIGRATE_DATABASE_URL`, past a pooler, else the application's own."""
    named = str(app.config.get("MIGRATE_DATABASE_URL") or "").strip()
    if named:
        return make_url(named)
    url: URL = current_app.extensions["migrate"].db.engine.url
    return url


@cache
def revisions_in(folder: Path) -> tuple[Declared, ...]:
    """The revisions of a folder, read once: they do not change under a running program."""
    return tuple(load(ScriptDirectory(str(folder))))


def _escaped(path: Path) -> str:
    """A path as Alembic's configuration wants it, where a percent sign begins a substitution."""
    return str(path).replace("%", "%%")
