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


CROSSED = {("sqlite", "flask db"), ("postgresql", "alembic")}
"""Databases by the door that the quick tests leave to `make promises`.

A door reads words and settings and knows no database, so a fault of one shows at the other pair.
Each of these tests starts programs, and all four pairs would take the suite past five minutes.
"""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what tries a database by the door that is another's."""
    params = (
        item.callspec.params
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else {}
    )
    if (params.get("databases"), params.get("door")) in CROSSED:
        item.add_marker(pytest.mark.promise)


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
