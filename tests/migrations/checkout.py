"""A copy of the checkout in which commands may write revisions, and the doors to run them by."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from agentlogger.app import create_app
from agentlogger.models.database import db
from tests import nursery
from tests.conftest import settings_for

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("agentlogger", "migrations", "wsgi.py", "setup.cfg", "pyproject.toml")
DOORS = {"alembic": ["alembic"], "flask db": ["flask", "db"]}
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


class Checkout:
    """A copy of what a checkout holds, with the settings of one database."""

    def __init__(self, folder: Path, url: URL) -> None:
        self.folder = folder
        self.url = url.render_as_string(hide_password=False)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                # With what was compiled of it: a copy keeps the times by which that is judged.
                shutil.copytree(source, folder / name)
            else:
                shutil.copy(source, folder / name)

    def run(self, *words: str, cwd: Path | None = None, **environment: str) -> Outcome:
        """Run a program of the test's own environment in the copy; its code comes before ours."""
        surroundings = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AGENTLOGGER_", "DATABASE_URL", "SECRET_KEY", "FLASK_"))
        }
        settings = {
            "PYTHONPATH": str(self.folder),
            "PATH": f"{BIN}{os.pathsep}{surroundings.get('PATH', '')}",
            "DATABASE_URL": self.url,
            "AGENTLOGGER_INSTANCE": str(self.folder / "instance"),
        }
        given = {key: value for key, value in (settings | environment).items() if value}
        if words[0] in DOORS["alembic"] + DOORS["flask db"]:
            return self._born(words, str(cwd or self.folder), surroundings | given)
        ended = subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=surroundings | given,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Outcome(ended.returncode, ended.stdout, ended.stderr)

    def _born(self, words: Sequence[str], cwd: str, environment: Mapping[str, str]) -> Outcome:
        """Run one of the two programs in a fork that has the libraries loaded."""
        with NamedTemporaryFile() as out, NamedTemporaryFile() as err:
            code = nursery.run(
                words, cwd=cwd, environment=environment, out=out, err=err, seconds=600
            )
            return Outcome(code, out.read().decode(), err.read().decode())

    def door(self, door: str, *arguments: str) -> Outcome:
        """Run a migration command by one of the doors."""
        return self.run(*DOORS[door], *arguments)

    def bring(self, verb: str, revision: str) -> None:
        """Bring the database to a revision of the real history, without the cost of a process."""
        app = create_app(settings_for(make_url(self.url), self.folder / "instance"))
        with app.app_context():
            config = app.extensions["migrations"].configuration(quiet=True)
            {"upgrade": command.upgrade, "downgrade": command.downgrade}[verb](config, revision)
            db.engine.dispose()

    def revision(self) -> str:
        """The revision that the database is at; "" for none."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            heads = MigrationContext.configure(connection).get_current_heads()
        engine.dispose()
        return " ".join(heads)

    def revisions(self) -> set[str]:
        """The names of the revision files."""
        return {path.name for path in (self.folder / "migrations" / "versions").glob("*.py")}
