"""A project whose models change: what is written for it, and whether that works with rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agentlogger.models.database import NAMES
from tests.migrations.histories import catalogue
from tests.migrations.project import Project

Models = Callable[[sa.MetaData], Any]
"""What puts tables into the models."""

ROOM = ("alembic_version", "migration_")


class Desk:
    """A project with a first revision applied and rows in its tables."""

    def __init__(self, project: Project, door: str) -> None:
        self.project = project
        self.door = door
        project.metadata.naming_convention = project.metadata.naming_convention | NAMES

    @property
    def is_postgresql(self) -> bool:
        return self.project.url.get_backend_name() == "postgresql"

    def begin(self, models: Models, *rows: str) -> None:
        """Let the models be these, the database what they say, with these rows."""
        assert self.change(models, message="create the first tables")
        self.project.upgrade()
        self.project.run(*rows)

    def model(self, models: Models) -> None:
        """Let the models be these and no others."""
        self.project.metadata.clear()
        models(self.project.metadata)

    def generate(self, *x: str, message: str = "let parts have sizes", words: tuple[str, ...] = ()):
        """Autogenerate; the outcome, and the files that were written, as they sort."""
        before = set(self.project.versions.glob("*.py"))
        options = [word for one in x for word in ("-x", one)]
        outcome = self.project.door(
            self.door, *options, "revision", "--autogenerate", "-m", message, *words
        )
        return outcome, sorted(set(self.project.versions.glob("*.py")) - before)

    def change(self, models: Models, *x: str, message: str = "let parts have sizes") -> list[Path]:
        """Change the models; the files that were written for it."""
        self.model(models)
        outcome, files = self.generate(*x, message=message)
        assert outcome.code == 0, outcome.err
        return files

    def refusal(self, models: Models, cause: type[Exception], *x: str) -> str:
        """The sentence with which nothing is written."""
        self.model(models)
        outcome, files = self.generate(*x)
        assert (outcome.code, files) == (cause.exit_code, []), outcome.err
        assert "Traceback" not in outcome.err
        return outcome.err

    def schema(self) -> Mapping[str, str]:
        """The whole schema, without what belongs to the room."""
        found = catalogue(self.project.url)
        return {key: text for key, text in found.items() if not any(one in key for one in ROOM)}

    def is_clean(self) -> None:
        """Nothing is left to generate."""
        outcome = self.project.door(self.door, "check")
        assert outcome.code == 0, outcome.err

    def round_trip(self, files: list[Path], query: str) -> None:
        """Up, down and up again: nothing is left to write, the rows stay, the schema returns.

        `query` asks for what no step may change.
        """
        before, rows = self.schema(), self.project.rows(query)
        below = parent(files[0])
        self.project.upgrade()
        self.is_clean()
        after = self.schema()
        assert self.project.rows(query) == rows
        self.project.downgrade(below)
        assert self.schema() == before
        assert self.project.rows(query) == rows
        self.project.upgrade()
        assert self.schema() == after
        assert self.project.door("flask db", "verify").code == 0


def told(path: Path, name: str) -> Any:
    """What a file declares under a name; None where it does not."""
    found = re.search(rf"^{name} = (.*)$", path.read_text(), re.MULTILINE)
    return None if found is None else eval(found[1])  # noqa: S307  (a literal of our own file)


def parent(path: Path) -> str:
    return told(path, "down_revision") or "base"


def phases(files: list[Path]) -> list[str]:
    """The phase of each file, in order."""
    return [told(path, "phase") for path in files]


def calls(path: Path) -> list[str]:
    """The operations of a file's upgrade, by name."""
    upgrade = path.read_text().partition("def upgrade")[2].partition("def downgrade")[0]
    found = re.findall(r"\b(?:op|batch_op)\.(\w+)\(", upgrade)
    return [name for name in found if name not in {"f", "get_context"}]


def in_chain(files: list[Path]) -> bool:
    """Whether each file follows the one that sorts before it."""
    return all(
        told(later, "down_revision") == told(earlier, "revision")
        for earlier, later in pairwise(files)
    )
