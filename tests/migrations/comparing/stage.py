"""A project whose models change: written by one database, applied to both, with rows in place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from agentlogger.migrate import causes
from tests.migrations.checkout import Outcome
from tests.migrations.comparing.case import Case, Models, Refused, Rows, Told, Written
from tests.migrations.histories import catalogue
from tests.migrations.project import Project

DOORS = {"sqlite": "flask db", "postgresql": "alembic"}
"""One door for each database, so that both are used."""


class Stage:
    """A project on one database, and another on the other that takes over its files."""

    def __init__(self, folder: Path, writer: URL, other: URL | None, names: dict[str, str]) -> None:
        self.writer = self._project(folder / "writer", writer, names)
        self.door = DOORS[writer.get_backend_name()]
        self.projects = [self.writer]
        if other is not None:
            self.projects.append(self._project(folder / "other", other, names))

    def _project(self, folder: Path, url: URL, names: dict[str, str]) -> Project:
        made = Project(folder, url, version="2.0")
        made.metadata.naming_convention = names
        return made

    def model(self, models: Models) -> None:
        """Let the models be these and no others."""
        for project in self.projects:
            project.metadata.clear()
            models(project.metadata)

    def begin(self, case: Case) -> None:
        """Make the database as it is before, by a revision, with rows."""
        self.model(case.before)
        outcome, files = self.generate(message="create the tables of logs")
        assert outcome.code == 0, outcome.err
        assert files
        self.apply()
        self.run(*case.rows, *case.by_hand)
        self.model(case.after)

    def generate(
        self, *x: str, message: str = "bring logs to what the models say"
    ) -> tuple[Outcome, list[Path]]:
        """Autogenerate; the outcome and the files that were written."""
        before = set(self.writer.versions.glob("*.py"))
        options = [word for one in x for word in ("-x", one)]
        words = ("revision", "--autogenerate", "-m", message)
        outcome = self.writer.door(self.door, *options, *words)
        assert "Traceback" not in outcome.err, outcome.err
        return outcome, sorted(set(self.writer.versions.glob("*.py")) - before)

    def apply(self) -> None:
        """Upgrade every database to the newest revision, by its own door."""
        for project in self.projects:
            if project is not self.writer:
                shutil.copytree(self.writer.versions, project.versions, dirs_exist_ok=True)
                seals = self.writer.folder / "migrations" / "migrations.sum"
                shutil.copy(seals, project.folder / "migrations")
            outcome = project.door(self.door, "upgrade", "head")
            assert outcome.code == 0, f"{project.url.drivername}: {outcome.err}"

    def take_back(self, files: int) -> None:
        """Downgrade every database by so many revisions."""
        for project in self.projects:
            with_loss = ("-x", "allow-loss=yes")
            outcome = project.door(self.door, *with_loss, "downgrade", f"-{files}")
            assert outcome.code == 0, f"{project.url.drivername}: {outcome.err}"

    def schemas(self, *without: str) -> list[Any]:
        """What each database has, by the catalogue, without some of its objects."""
        return [
            {key: text for key, text in catalogue(project.url).items() if key not in without}
            for project in self.projects
        ]

    def check(self) -> list[Outcome]:
        """`check` on each database."""
        return [project.door(self.door, "check") for project in self.projects]

    def is_clean(self) -> None:
        """Nothing is left to generate, and nothing to say."""
        for outcome in self.check():
            assert outcome.code == 0, outcome.err
            assert "No new upgrade operations detected" in outcome.out + outcome.err
            assert said(outcome) == []

    def run(self, *statements: str) -> None:
        """Run statements on every database; an empty one is none."""
        for project in self.projects:
            project.run(*filter(None, statements))

    def has(self, query: str, rows: Rows) -> None:
        """Every database answers a query with these rows."""
        for project in self.projects:
            found = [one if isinstance(one, tuple) else (one,) for one in project.rows(query)]
            assert found == list(rows), project.url.drivername

    def refuses(self, statement: str) -> None:
        """Every database refuses a statement."""
        for project in self.projects:
            with pytest.raises(sa.exc.DBAPIError):
                project.run(statement)


def said(outcome: Outcome) -> list[str]:
    """The sentences of a comparison, without what every command says."""
    usual = ("Database: ", "INFO ", "No changes in schema", "No new upgrade operations")
    return [line for line in outcome.err.splitlines() if not line.startswith(usual)]


def prove(stage: Stage, case: Case) -> None:
    """A case as it is expected."""
    stage.begin(case)
    expected = case.expected
    if isinstance(expected, Written):
        prove_written(stage, expected, case.x)
    elif isinstance(expected, Refused):
        prove_refused(stage, expected)
    else:
        prove_untouched(stage, expected.words if isinstance(expected, Told) else ())


def prove_written(stage: Stage, expected: Written, x: Any) -> None:
    """It is seen, written, applied with rows in place, and taken back."""
    for outcome in stage.check():
        assert outcome.code == causes.Differs.exit_code, outcome.err
    before = stage.schemas(*expected.stays)
    outcome, files = stage.generate(*x)
    assert outcome.code == 0, outcome.err
    assert files, outcome.err
    if expected.lacks:
        assert not [path for path in files if expected.lacks in path.read_text()]
    stage.run(expected.ready)
    stage.apply()
    stage.is_clean()
    stage.run(expected.inserts)
    stage.has(expected.query, expected.rows)
    if expected.refuses:
        stage.refuses(expected.refuses)
    # The way back is for the rows that were there before.
    stage.run("DELETE FROM logs WHERE id = 2" if expected.inserts else "", expected.first)
    stage.take_back(len(files))
    assert stage.schemas(*expected.stays) == before
    if expected.rows_back is not None:
        stage.has(expected.query_back, expected.rows_back)


def prove_refused(stage: Stage, expected: Refused) -> None:
    """Nothing is written but with the option that it asks for."""
    outcome, files = stage.generate()
    assert files == []
    assert outcome.code == expected.cause.exit_code, outcome.err
    for words in expected.words:
        assert words in outcome.err
    if expected.then is not None:
        prove_written(stage, expected.then, expected.x)


def prove_untouched(stage: Stage, words: Any) -> None:
    """Nothing is written, and that is said, or there is nothing to say."""
    before = stage.schemas()
    outcome, files = stage.generate()
    assert (outcome.code, files) == (0, []), outcome.err
    for seen in [outcome, *stage.check()]:
        assert seen.code == 0, seen.err
        assert all(one in seen.err for one in words), seen.err
        assert len(said(seen)) == bool(words), seen.err
    assert stage.schemas() == before
