"""A database, read without a server: the doors of the API answer within this process."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from agentlogger.app import create_app
from agentlogger.blueprints import gate
from agentlogger.blueprints.gate import Caller
from agentlogger.config import installed_database, read_settings
from agentlogger.database_urls import database_url
from agentlogger.errors import Refusal, SettingInvalid
from agentlogger.models.database import db
from agentlogger.store import health, projects
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.terminal.sources import Refused, query_string, refusal

OPERATOR = OperatorScope("whoever may read the database reads it at the terminal")
SQLITE = "sqlite:///"


def opened(database: str, project: str) -> DatabaseSource:
    """The database that a file or URL names, this installation's without one.

    Nothing is made: a SQLite file that is not there is refused. Raises SettingInvalid, Refused.
    """
    url = _named(database) if database else installed_database()
    refuse_missing_file(url)
    # Whatever else the settings say is about serving, and a key that signs nothing may be anyone's.
    settings = read_settings({"DATABASE_URL": url, "SECRET_KEY": secrets.token_hex()})
    return DatabaseSource(create_app(settings), project)


def _named(database: str) -> str:
    if "://" in database:
        return database_url(database, Path.cwd(), name="--database")
    return f"{SQLITE}{Path(database).expanduser().absolute()}"


def refuse_missing_file(url: str) -> None:
    """Say that a SQLite file is not there, before anything that opens it makes an empty one.

    Raises SettingInvalid.
    """
    if not url.startswith(SQLITE):
        return
    path = Path(url.removeprefix(SQLITE).partition("?")[0])
    if not path.is_file():
        raise SettingInvalid(
            f"There is no database {path}: start one with `agentlogger serve`, name another with "
            "--database, or a server with --server or AGENTLOGGER_SERVER."
        )


class DatabaseSource:
    """A database, asked by way of an application that listens nowhere."""

    def __init__(self, app: Flask, project: str) -> None:
        self._app = app
        with app.app_context():
            self.name = health.name(OPERATOR)
            try:
                row = projects.named(OPERATOR, project)
            except Refusal as refused:
                self.close()
                raise Refused(str(refused), status=refused.status, code=refused.code) from None
        if row is None:
            self.close()
            raise Refused(f"No project is named {project!r}: `flask projects list` shows them.")
        gate.serve_only(app, Caller(ProjectScope(row["id"]), frozenset({"read"}), "terminal"))

    def get(self, path: str, asked: Mapping[str, Any]) -> Any:
        """The JSON at an address of the API."""
        with self._answer(_asking(path, asked, "application/json")) as pieces:
            return json.loads(b"".join(pieces))

    def send(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """What an address of the API answers to some fields; None for nothing."""
        request = EnvironBuilder(path, method=method, json=fields)
        with self._answer(request) as pieces:
            text = b"".join(pieces)
            return json.loads(text) if text else None

    @contextmanager
    def lines(self, path: str, asked: Mapping[str, Any], accept: str) -> Iterator[Iterator[bytes]]:
        """The lines of a streamed answer, as they come."""
        with self._answer(_asking(path, asked, accept)) as pieces:
            yield _lines(pieces)

    def close(self) -> None:
        """Let go of the connections."""
        with self._app.app_context():
            db.engine.dispose()

    @contextmanager
    def _answer(self, request: EnvironBuilder) -> Iterator[Iterable[bytes]]:
        pieces, status, _ = run_wsgi_app(self._app, request.get_environ())
        try:
            code = int(status[:3])
            if not HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
                raise refusal(code, b"".join(pieces), self.name)
            yield pieces
        finally:
            if (close := getattr(pieces, "close", None)) is not None:
                close()


def _asking(path: str, asked: Mapping[str, Any], accept: str) -> EnvironBuilder:
    return EnvironBuilder(path, query_string=query_string(asked), headers=[("Accept", accept)])


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of any size as lines with their ends."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
