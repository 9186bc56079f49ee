"""What the tests share: one PostgreSQL server a run, a migrated template, a clone for each test."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import psycopg2
import psycopg2.extensions
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import URL, make_url
from werkzeug.routing.rules import Rule

from agentlogger import RUNS_AS
from agentlogger.app import create_app
from agentlogger.compiled.finding import COMPILED
from agentlogger.config import Settings, read_settings
from agentlogger.models.database import db
from agentlogger.store import bounded, connections, users
from agentlogger.store.postgresql import watchdog
from tests import shared_routes
from tests.postgresql.reuse import USES, Template
from tests.postgresql.server import start_server

# The same examples each time: a change lands or does not by what it changes. `make promises` asks
# for the long proofs, which draw new ones. Without a deadline: a busy machine is no fault.
hypothesis.settings.register_profile("the same", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("the same")

# What is compiled is kept, for the hundreds of processes that import the same: see the Makefile,
# which a run of pytest by itself does not pass.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

MEMORY = "/dev/shm"  # noqa: S108  (its folders are made with names of their own)
MEMORY_BYTES = 1024**3
"""What has to be free there for each of us: a container has 64 MiB of it, unless somebody asks for
more. SQLite's files take tens of megabytes, a server of PostgreSQL two hundred."""

SMALL_LOG = {"max_wal_size": "256MB"}
"""The write-ahead log of a server that lies in memory; a usual one may have two gigabytes."""

YOUNG_OBJECTS = 50_000
"""Objects made and not freed after which Python looks for garbage: a few megabytes."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leave out what cannot be asked here.

    That is what a test has marked as long on this database, which is left to `make promises`, and
    what changes a constant of sources that are compiled.
    """
    if RUNS_AS == COMPILED and item.get_closest_marker("pure"):
        item.add_marker(pytest.mark.skip(reason="what it changes is compiled"))
    params = getattr(getattr(item, "callspec", None), "params", {})
    if any(params.get("databases") in mark.args for mark in item.iter_markers("long_on")):
        item.add_marker(pytest.mark.promise)


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end: thousands of tests and all that is imported.

    Going through it again and again was a tenth of what the tests of the API took. What is left
    was searched after each 700 new objects, and an application makes many thousands.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


class Databases:
    """Makes databases of one kind: empty ones, and clones of the migrated template."""

    def empty(self) -> URL:
        raise NotImplementedError

    def clone(self) -> URL:
        raise NotImplementedError

    def give_back(self, url: URL) -> None:
        """Take a clone back that nobody uses any more."""


class SQLiteDatabases(Databases):
    """SQLite files in a folder of the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template = self.empty()
        migrate(self.template)

    def empty(self) -> URL:
        return URL.create("sqlite", database=str(self.folder / f"{uuid.uuid4().hex}.db"))

    def clone(self) -> URL:
        url = self.empty()
        shutil.copyfile(str(self.template.database), str(url.database))
        return url

    def give_back(self, url: URL) -> None:
        """Remove it: what is kept in memory is not to grow with each test."""
        for end in ("", "-wal", "-shm"):
            Path(f"{url.database}{end}").unlink(missing_ok=True)


class PostgreSQLDatabases(Databases):
    """Databases of one server."""

    def __init__(self, server: URL) -> None:
        self.server = server
        self._connection = self._connect()
        # Copying the template's files costs two thirds of what writing them by way of the log does;
        # before PostgreSQL 15 there is no other way, and no word for it.
        self._how = " STRATEGY FILE_COPY" if self._connection.server_version >= 150_000 else ""
        self.template = self.empty()
        migrate(self.template)
        make_places(self.template)
        self._origin = Template.of(self.template)
        self._ready: list[URL] = []
        self._uses: Counter[URL] = Counter()

    def empty(self) -> URL:
        return self._create(template="template0")

    def clone(self) -> URL:
        if self._ready:
            return self._ready.pop()
        return self._create(template=str(self.template.database))

    def give_back(self, url: URL) -> None:
        """Let the next test have a clone, where it can be emptied; else drop it."""
        self._uses[url] += 1
        if self._uses[url] < USES and self._origin.restore(url):
            self._ready.append(url)
        else:
            self.drop(url)

    def _create(self, *, template: str) -> URL:
        name = f"agentlogger_{uuid.uuid4().hex[:16]}"
        self._run(f'CREATE DATABASE {name} TEMPLATE "{template}"{self._how}')
        return self.server.set(database=name)

    def drop(self, url: URL) -> None:
        self._run(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        try:
            self._execute(statement)
        except psycopg2.OperationalError:
            if not self._connection.closed:
                raise
            # A test has ended connections of the server.
            self._connection = self._connect()
            self._execute(statement)

    def _execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _connect(self) -> psycopg2.extensions.connection:
        connection = psycopg2.connect(
            host=self.server.host,
            port=self.server.port,
            user=self.server.username,
            password=self.server.password,
            dbname=self.server.database,
        )
        connection.autocommit = True
        return connection


def settings_for(url: URL, folder: Path, **others: str) -> Settings:
    """Settings for a database, with everything that is kept in a folder of the test."""
    return read_settings(
        {
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "AGENTLOGGER_INSTANCE": str(folder),
            "SECRET_KEY": "a key of the tests",
            **others,
        }
    )


def migrate(url: URL) -> None:
    """Bring a database to the newest revision."""
    app = create_app(settings_for(url, Path("unused")))
    with app.app_context():
        app.extensions["migrations"].upgrade()
        db.engine.dispose()


def make_places(url: URL) -> None:
    """Give a database the partitions that a program makes for its first record.

    A test that stores one leaves the schema as it was then, and the next test can have its
    database: making four partitions and then another database took 0.2 s of processor time.
    """
    app = create_app(settings_for(url, Path("unused")))
    with app.app_context():
        connections.place([])
        db.engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Let a password cost next to nothing in this process.

    At its real cost, 64 MiB each time, the accounts of the tests took a tenth of the suite;
    `tests/store/test_users.py` holds the real one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_routes() -> Iterator[None]:
    """Let all applications of this process share what builds their addresses."""
    with pytest.MonkeyPatch.context() as patch:
        if shared_routes.own:
            patch.setattr(Rule, shared_routes.NAME, shared_routes.shared)
        yield


@pytest.fixture(scope="session", autouse=True)
def patience_with_a_busy_machine() -> Iterator[None]:
    """Let the databases of the tests take their time.

    A machine that stalls for four seconds is no server that hangs, nor a count that is too large;
    `tests/store/test_hanging.py` and `tests/api/test_counting.py` have less patience.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watchdog, "KNOCK_SECONDS", 60.0)
        patch.setattr(bounded, "COUNT_SECONDS", 600.0)
        yield


@pytest.fixture(scope="session")
def sqlite_databases() -> Iterator[SQLiteDatabases]:
    """Where SQLite databases of this run come from: memory, where there is enough of it.

    A disk confirms each commit, and what a test stores is gone with it.
    """
    with TemporaryDirectory(prefix="agentlogger-sqlite-", dir=_memory()) as folder:
        yield SQLiteDatabases(Path(folder))


def _memory() -> Path | None:
    """Where files stay in memory; None, for the usual place, where that is missing or small."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
        return Path(MEMORY)
    return None


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgreSQLDatabases]:
    """Where PostgreSQL databases come from: a server that the environment names, else our own.

    Our own dies with the run. It lies in memory where there is enough of it: a database is three
    hundred files, and the disk's file system took four times as long to make and to drop them.
    """
    named = os.environ.get("AGENTLOGGER_TEST_POSTGRESQL_URL")
    if named:
        url = make_url(named.replace("postgres://", "postgresql://", 1))
        yield PostgreSQLDatabases(url.set(drivername="postgresql+psycopg2"))
        return
    server = start_server(within=_memory(), settings=SMALL_LOG)
    try:
        yield PostgreSQLDatabases(make_url(server.url()))
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Both kinds of databases, one after the other: every test that asks for this runs twice."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


@pytest.fixture
def database_url(databases: Databases) -> Iterator[URL]:
    """A migrated database of this test's own."""
    url = databases.clone()
    yield url
    databases.give_back(url)


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[URL]:
    """An empty database of this test's own."""
    url = databases.empty()
    yield url
    if isinstance(databases, PostgreSQLDatabases):
        databases.drop(url)


@pytest.fixture
def app(database_url: URL, tmp_path: Path) -> Iterator[Flask]:
    """The application on a migrated database of this test's own."""
    app = create_app(settings_for(database_url, tmp_path))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """An agent or a browser on the server's own machine."""
    return app.test_client()
