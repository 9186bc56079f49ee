"""Projects whose models change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import SQLiteDatabases
from tests.migrations.project import Project, emptied
from tests.migrations.writing.desk import Desk


@pytest.fixture
def desk(tmp_path, databases) -> Iterator[Desk]:
    """A project without revisions. One door for each database: `test_guide` has every pair."""
    door = "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"
    with emptied(databases) as url:
        yield Desk(Project(tmp_path / "project", url), door)
