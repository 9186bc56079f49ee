"""A server for each journey, on both databases, and no settings of the person who runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.journeys.serving import Server, serving


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    """Take away what would send a client elsewhere, or add to what it sends."""
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def database_address(database_url: URL) -> str:
    """A migrated database, as people write it into DATABASE_URL.

    Most of a first start is the history, which the servers that journeys share go through.
    """
    return written(database_url)


@pytest.fixture
def server(database_address: str, tmp_path: Path) -> Iterator[Server]:
    """A server of this journey's own, started for the first time."""
    with serving(database_address, tmp_path / "instance") as started:
        yield started


@pytest.fixture(scope="session")
def sqlite_server(sqlite_databases, tmp_path_factory) -> Iterator[Server]:
    """A server on an empty SQLite file, for the journeys that can share one."""
    with serving(written(sqlite_databases.empty()), tmp_path_factory.mktemp("sqlite")) as started:
        yield started


@pytest.fixture(scope="session")
def postgresql_server(postgresql_databases, tmp_path_factory) -> Iterator[Server]:
    """A server on an empty PostgreSQL database, for the journeys that can share one."""
    database = postgresql_databases.empty()
    with serving(written(database), tmp_path_factory.mktemp("postgresql")) as started:
        yield started
    postgresql_databases.drop(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_server(request: pytest.FixtureRequest) -> Server:
    """A server that other journeys use too: what is read from it must be asked for by session."""
    started: Server = request.getfixturevalue(f"{request.param}_server")
    return started


def written(url: URL) -> str:
    """A database's address as people write it, without the driver's name."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
