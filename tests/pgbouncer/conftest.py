"""One PgBouncer for all tests of the run that ask for it, in front of the run's PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.requirements import need
from tests.migrations.conftest import checkout, door  # noqa: F401  (fixtures of this folder, too)
from tests.pgbouncer.pooler import INSTALL, Pooler, pooling, program


@pytest.fixture(scope="session")
def _any_pooler(postgresql_databases) -> Iterator[Pooler]:
    with pooling(postgresql_databases.server) as running:
        yield running


@pytest.fixture
def pooler(request: pytest.FixtureRequest) -> Pooler:
    """A PgBouncer in transaction mode; without the program the test is skipped, and says so."""
    need("pgbouncer", program() is not None, INSTALL)
    running: Pooler = request.getfixturevalue("_any_pooler")
    return running
