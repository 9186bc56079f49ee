"""One application a file and database, emptied before each test: a database each takes longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from agentlogger.app import create_app
from agentlogger.models.database import db, table_of
from agentlogger.models.tables import HOT
from tests.conftest import settings_for


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def standing_app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The application of a file's tests, on a migrated database."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    url = databases.clone()
    app = create_app(settings_for(url, tmp_path_factory.mktemp("app")))
    yield app
    with app.app_context():
        db.engine.dispose()
    databases.give_back(url)


@pytest.fixture
def app(standing_app: Flask) -> Flask:
    """The application, without records."""
    with standing_app.app_context(), db.engine.begin() as connection:
        for model in HOT:
            connection.execute(table_of(model).delete())
    return standing_app
