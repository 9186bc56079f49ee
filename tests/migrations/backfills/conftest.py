"""A project with people whose full name is to be filled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migrations.backfills.filling import Filling
from tests.migrations.backfills.people import People
from tests.migrations.project import emptied


@pytest.fixture
def people(tmp_path, databases) -> Iterator[People]:
    """A few people, on both databases: they are filled at once."""
    with emptied(databases) as url:
        yield People(tmp_path / "project", url)


@pytest.fixture
def many(tmp_path, postgresql_databases) -> Iterator[People]:
    """More people than are filled at once, on PostgreSQL: they are filled in batches."""
    with emptied(postgresql_databases) as url:
        made = People(tmp_path / "project", url, rows=2_000)
        made.app.config["MIGRATE_BACKFILL_INLINE"] = "100"
        made.app.config["MIGRATE_BACKFILL_PAUSE"] = "0"
        yield made


@pytest.fixture
def filling(postgresql_databases) -> Iterator[Filling]:
    """People on PostgreSQL, without a history."""
    with emptied(postgresql_databases) as url:
        yield Filling(url)
