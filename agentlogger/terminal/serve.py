"""`agentlogger serve`: database, default project, server; the one command."""

from __future__ import annotations

import errno
import socket
from typing import Any

import click
from alembic.util import CommandError
from flask import Flask
from gunicorn.app.base import BaseApplication

from agentlogger import RUNS_AS
from agentlogger.app import create_app
from agentlogger.config import Settings, read_settings
from agentlogger.errors import Refusal, SettingInvalid
from agentlogger.migrate import Migrations
from agentlogger.migrate.ledger.graph import State
from agentlogger.models.database import db
from agentlogger.store import health, users
from agentlogger.terminal.workers import START, gunicorn_options, refuse_exposure


@click.command()
def serve() -> None:
    """Start the server: make or migrate the database, then listen."""
    settings = read_settings()
    _refuse_taken_port(settings)
    app = create_app(settings)
    revision, keyed = _prepare_database(app)
    refuse_exposure(app, [settings.host])
    _Server(settings, _greeting(app, settings, revision, keyed=keyed)).run()


def _refuse_taken_port(settings: Settings) -> None:
    """Say it in one sentence, where gunicorn would try five times and print a line for each."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                reason = "another program uses it (perhaps AgentLogger itself): stop that one"
            elif fault.errno == errno.EACCES:
                reason = "it needs the rights of root: choose a port above 1023"
            else:
                reason = f"it cannot be used ({fault.strerror or fault}): correct AGENTLOGGER_HOST"
            raise SettingInvalid(
                f"Address {settings.host}, port {settings.port}: {reason}, or set AGENTLOGGER_PORT."
            ) from None


def _prepare_database(app: Flask) -> tuple[str, bool]:
    """Bring the database to where this program can work; say where, and whether keys are needed."""
    migrations: Migrations = app.extensions["migrations"]
    with app.app_context():
        try:
            reached = migrations.upgrade()
            keyed = users.any_exist(START)
        except (CommandError, Refusal) as fault:
            raise SettingInvalid(str(fault)) from None
        finally:
            # The workers are forks of this process: none may inherit its connection.
            db.engine.dispose()
    return place(reached), keyed


def place(reached: State) -> str:
    """Where the database is, as the greeting says it."""
    if reached.unknown:
        where = "of a newer program"
    elif reached.pending:
        where = f"{len(reached.pending)} left for later: `flask db status` shows them"
    else:
        where = "the newest"
    return f"{', '.join(reached.heads)} ({where})"


def _greeting(app: Flask, settings: Settings, revision: str, *, keyed: bool) -> str:
    with app.app_context():
        database = health.name(START)
    address = settings.page_address
    key_line = "  export OTEL_EXPORTER_OTLP_HEADERS=...   # flask keys create prints it\n"
    beyond = "" if settings.is_loopback else f"  listening {settings.host}, beyond this machine\n"
    return (
        f"\nAgentLogger is running.\n\n"
        f"  page      {address}/\n"
        f"  database  {database}\n"
        f"  revision  {revision}\n"
        f"  intake    {RUNS_AS}\n{beyond}\n"
        f"An agent needs these {'three' if keyed else 'two'} lines:\n\n"
        f"  export OTEL_EXPORTER_OTLP_ENDPOINT={address}\n"
        "  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
        f"{key_line if keyed else ''}\n"
        "Stop with Ctrl-C.\n"
    )


class _Server(BaseApplication):
    """gunicorn, told by us instead of by a command line."""

    def __init__(self, settings: Settings, greeting: str) -> None:
        self._settings = settings
        self._greeting = greeting
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_options(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("when_ready", self._greet)

    def load(self) -> Flask:
        return create_app(self._settings)

    def _greet(self, _arbiter: Any) -> None:
        click.echo(self._greeting)
