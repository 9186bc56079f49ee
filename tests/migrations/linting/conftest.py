"""A project to lint, on either database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migrations.linting.traps import DROPPED, TABLES
from tests.migrations.project import Project, emptied

FEW = 200
"""Rows of a table: enough that all of them are many, and made in a moment."""


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """Two tables, of which one is hot; nothing is applied."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.migrations.hot_tables = ("logs",)
        (tmp_path / "project" / "migrations" / "lint.toml").write_text(
            f"[classes.hot]\nrows = {FEW}\n[classes.ordinary]\nrows = {FEW}\n"
        )
        made.add("base00", None, TABLES, DROPPED, message="create tables", reversible="loses data")
        yield made
