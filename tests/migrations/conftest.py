"""Checkouts to migrate from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from tests.migrations.checkout import DOORS, Checkout
from tests.migrations.project import PARTS, SIZE, Project, emptied


@pytest.fixture
def checkout(tmp_path: Path, empty_database_url: URL) -> Checkout:
    """A copy of the checkout, on an empty database."""
    return Checkout(tmp_path / "checkout", empty_database_url)


@pytest.fixture(params=list(DOORS))
def door(request: pytest.FixtureRequest) -> str:
    """Both doors, one after the other."""
    return str(request.param)


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A project with a history of two revisions and the models that go with it."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts")
        drop = 'op.drop_column("parts", "size")'
        made.add("bbb222", "aaa111", SIZE, drop, message="add part size")
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("parts", made.metadata, key, sa.Column("size", sa.Integer))
        yield made
