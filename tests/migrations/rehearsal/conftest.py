"""A project with three parts in its one table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migrations.project import Project, emptied
from tests.migrations.rehearsal.stage import fill


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A project at its first revision."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        fill(made)
        yield made
