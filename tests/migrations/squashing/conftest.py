"""One history, squashed once for all tests of a run, and databases at each stage before that."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.migrations.project import Project, emptied
from tests.migrations.squashing import histories
from tests.migrations.squashing.histories import Stage


@pytest.fixture
def scratch(postgresql_databases) -> Iterator[URL]:
    """An empty PostgreSQL database for a squash to try things in."""
    with emptied(postgresql_databases) as url:
        yield url


@pytest.fixture
def fresh(tmp_path, databases) -> Iterator[Project]:
    """The history on an empty database, nothing squashed."""
    with emptied(databases) as url:
        made = Project(tmp_path / "fresh", url, version="2.0")
        histories.write(made)
        yield made


@pytest.fixture(scope="session")
def squashed(tmp_path_factory, postgresql_databases) -> Path:
    """The migrations folder before and after a squash, made once for all workers of a run."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):
        shared = shared.parent
    folder = shared / "squashed"
    with (shared / "squashed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            url = URL.create("sqlite", database=str(shared / "squashed.db"))
            made = Project(shared / "being_squashed", url, version="2.0")
            histories.write(made)
            shutil.copytree(made.folder / "migrations", shared / "unsquashed")
            with emptied(postgresql_databases) as spare:
                done = histories.squash(made, spare)
            assert done.code == 0, done.out + done.err
            shutil.move(made.folder / "migrations", folder)
    return folder


@pytest.fixture
def stage(tmp_path, databases, squashed) -> Iterator[Stage]:
    """A database that an older program has, and the program after the squash."""
    with emptied(databases) as url:
        yield Stage(tmp_path, url, squashed)
