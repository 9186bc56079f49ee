"""Stages on both databases, and on a partitioned table of PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migrations.project import emptied
from tests.migrations.verbs.stage import Stage

SHAPES = ("sqlite", "postgresql", "partitioned")


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    """A kind of database, and for PostgreSQL a kind of table."""
    return str(request.param)


@pytest.fixture
def stage(shape: str, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A database with tables and rows of a shape."""
    kind = "sqlite" if shape == "sqlite" else "postgresql"
    with emptied(request.getfixturevalue(f"{kind}_databases")) as url:
        made = Stage(url, partitioned=shape == "partitioned")
        yield made
        made.close()
