"""A small project of its own on the migration room: no room of ours but this one takes part.

Its commands run in this process, by either door, since a process for each would cost a second and a
half. The processes' own ends are in `test_doors` and `test_guide`.
"""

from __future__ import annotations

import io
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from alembic import command
from alembic.config import CommandLine, Config
from alembic.migration import MigrationContext
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import URL

from agentlogger.migrate import Migrations
from agentlogger.migrate.commands import db as group
from agentlogger.migrate.extension import revisions_in
from tests.conftest import Databases, SQLiteDatabases
from tests.migrations.checkout import ROOT, Outcome

PARTS = 'op.create_table("parts", sa.Column("id", sa.Integer(), primary_key=True))'
SIZE = 'op.add_column("parts", sa.Column("size", sa.Integer()))'

FILE = '''\
"""{message}

Revision ID: {revision}
"""

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {parents!r}
branch_labels = None
depends_on = None
{declared}


def upgrade():
{up}

def downgrade():
{down}
'''

SETTINGS = """\
[tool.alembic]
script_location = "%(here)s/migrations"
revision_environment = true

[[tool.alembic.post_write_hooks]]
name = "seal"
type = "seal"
"""

ENV = """\
from agentlogger.migrate import environment
from tests.migrations.project import create_app

environment.run(create_app)
"""

CURRENT: list[Flask] = []
"""The application that bare `alembic` makes, as another program would read it from its settings."""


def create_app() -> Flask:
    """What the project's `env.py` is given."""
    return CURRENT[-1]


SPARE: dict[int, list[URL]] = {}
"""Databases that were used and emptied again, by who made them: making one costs more."""


SCHEMAS = """
SELECT quote_ident(nspname) FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
"""
"""Those that somebody has made: a test may have one of its own."""


@contextmanager
def emptied(databases: Databases) -> Iterator[URL]:
    """An empty database for a test, which may be one that another has used before."""
    if isinstance(databases, SQLiteDatabases):
        yield databases.empty()
        return
    spare = SPARE.setdefault(id(databases), [])
    url = spare.pop() if spare else databases.empty()
    yield url
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <>"
        connection.execute(sa.text(f"{others} pg_backend_pid() AND datname = current_database()"))
        for schema in connection.execute(sa.text(SCHEMAS)).scalars().all():
            connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    spare.append(url)


class Project:
    """A folder of revisions, a database and the models of a small application."""

    def __init__(self, folder: Path, url: URL, *, version: str = "1.0") -> None:
        self.folder = folder
        self.url = url
        self.versions = folder / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(SETTINGS)
        (folder / "migrations" / "env.py").write_text(ENV)
        shutil.copy(ROOT / "migrations" / "script.py.mako", folder / "migrations")
        self.metadata = sa.MetaData()
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.app = Flask("project")
        self.app.config.update(
            SECRET_KEY="a key of the tests", SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINES={}
        )
        self.app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": sa.NullPool}
        self.db = SQLAlchemy(metadata=self.metadata)
        self.db.init_app(self.app)
        self.migrations = Migrations(folder / "migrations", version)
        self.migrations.init_app(self.app, self.db)

    def add(
        self,
        revision: str,
        parents: str | tuple[str, ...] | None = None,
        up: str = "pass",
        down: str = "pass",
        **declared: Any,
    ) -> Path:
        """Write a revision; what it declares is an expand that can be taken back."""
        message = declared.pop("message", f"do what {revision} does")
        told = {"phase": "expand", "reversible": "yes"} | declared
        path = self.versions / f"{revision}.py"
        path.write_text(
            FILE.format(
                message=message,
                revision=revision,
                parents=parents,
                declared="\n".join(f"{name} = {value!r}" for name, value in told.items()),
                up=_indented(up),
                down=_indented(down),
            )
        )
        return path

    def reach_by(self, link: Path) -> None:
        """Work in the project by another name of its folder from here on."""
        self.folder = link
        self.migrations.folder = link / "migrations"
        self.app.extensions["migrate"].migrate.directory = str(self.migrations.folder)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """What every command needs: the folder, and files that are read anew."""
        revisions_in.cache_clear()
        CURRENT.append(self.app)
        with chdir(self.folder), mock.patch.object(sys, "dont_write_bytecode", new=True):
            try:
                yield
            finally:
                CURRENT.pop()

    def config(self, *x: str, **attributes: Any) -> Config:
        """What a call from within the program is made with."""
        return self.migrations.configuration(quiet=True, x=list(x), **attributes)

    def upgrade(self, to: str = "head", *x: str) -> None:
        """Upgrade from within the program. Raises Refused."""
        with self.at_work(), self.app.app_context():
            command.upgrade(self.config(*x), to)

    def downgrade(self, to: str, *x: str) -> None:
        """Downgrade from within the program. Raises Refused."""
        with self.at_work(), self.app.app_context():
            command.downgrade(self.config(*x), to)

    def door(self, door: str, *words: str) -> Outcome:
        """Run a command by one of the doors, in this process."""
        with self.at_work():
            return _by_alembic(words) if door == "alembic" else _by_flask(self.app, words)

    def heads(self) -> str:
        """The revisions that the database is at; "" for none."""
        with self.engine.connect() as connection:
            return " ".join(sorted(MigrationContext.configure(connection).get_current_heads()))

    def rows(self, query: str) -> list[Any]:
        """What a query answers: tuples, or the values of a single column."""
        with self.engine.connect() as connection:
            found = connection.execute(sa.text(query)).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in found]

    def run(self, *statements: str) -> None:
        """Change the database by hand."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def tables(self) -> set[str]:
        """The tables of the database that are not the room's own."""
        names = set(sa.inspect(self.engine).get_table_names())
        return {name for name in names if not name.startswith(("alembic_", "migration_"))}

    def columns(self, table: str) -> list[str]:
        """The columns of a table, in their order."""
        return [column["name"] for column in sa.inspect(self.engine).get_columns(table)]


def _indented(code: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n") + "\n", "    ")


def _by_alembic(words: tuple[str, ...]) -> Outcome:
    out, err = io.StringIO(), io.StringIO()

    def print_stdout(_config: Config, text: str, *values: Any) -> None:
        # Alembic keeps the standard output that there was when it was imported.
        print(text % values if values else text)

    with (
        mock.patch.object(Config, "print_stdout", print_stdout),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            CommandLine(prog="alembic").main([*words])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001  (the interpreter would print it and end with 1)
            traceback.print_exc()
            code = 1
    return Outcome(code, out.getvalue(), err.getvalue())


def _by_flask(app: Flask, words: tuple[str, ...]) -> Outcome:
    with mock.patch.object(Config, "print_stdout", lambda _config, text, *_: print(text)):
        ended = CliRunner().invoke(
            group, [*words], obj=ScriptInfo(create_app=lambda: app), prog_name="flask db"
        )
    err = ended.stderr
    if ended.exc_info is not None and not isinstance(ended.exception, SystemExit | None):
        err += "".join(traceback.format_exception(ended.exception))
    return Outcome(ended.exit_code, ended.stdout, err)
