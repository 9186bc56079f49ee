"""AgentLogger itself, served on each database: what is judged where nobody names a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.conformance.target import Target
from tests.journeys.serving import serving


class Own(Target):
    """A server of ours, whose database another program can hold."""

    def __init__(self, url: str, database: Any) -> None:
        super().__init__(url)
        self.database = database

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another program holds the table of records, or the whole file of SQLite."""
        if self.database.get_backend_name() == "sqlite":
            connection: Any = sqlite3.connect(self.database.database, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
        else:
            connection = psycopg2.connect(written(self.database))
            connection.cursor().execute("LOCK TABLE log_records IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            connection.rollback()
            connection.close()


def written(url: Any) -> str:
    """A database's address as people write it, without the driver's name."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)


@contextmanager
def own(databases: Any, folder: Path) -> Iterator[Own]:
    """Start AgentLogger on an empty database."""
    url = databases.empty()
    with serving(written(url), folder) as server:
        yield Own(server.address, url)


@pytest.fixture(scope="session")
def sqlite_target(sqlite_databases, tmp_path_factory) -> Iterator[Own]:
    """AgentLogger on SQLite."""
    with own(sqlite_databases, tmp_path_factory.mktemp("sqlite")) as target:
        yield target


@pytest.fixture(scope="session")
def postgresql_target(postgresql_databases, tmp_path_factory) -> Iterator[Own]:
    """AgentLogger on PostgreSQL."""
    with own(postgresql_databases, tmp_path_factory.mktemp("postgresql")) as target:
        yield target
    postgresql_databases.drop(target.database)
