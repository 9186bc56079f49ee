"""pytest-alembic's own tests pass on our history, through `migrations/env.py` as it is.

Its plugin is switched off, since it breaks pytest's collection: only its functions are called. Of
its experimental tests, `downgrade_leaves_no_trace` is left out: it crashes on SQLAlchemy 2.1.
test_history.py compares the whole schema instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from agentlogger.app import create_app
from agentlogger.models.database import db
from tests.conftest import settings_for

pytest_alembic = pytest.importorskip("pytest_alembic", reason="pip install '.[test]' brings it")
built_in = pytest.importorskip("pytest_alembic.tests")
experimental = pytest.importorskip("pytest_alembic.tests.experimental")

pytestmark = pytest.mark.promise
"""`tests/migrations/test_history.py` has the like in every run; `.ci/run` goes through these."""


@pytest.fixture
def fresh_app(empty_database_url: URL, tmp_path: Path) -> Iterator[Flask]:
    """The application on an empty database."""
    app = create_app(settings_for(empty_database_url, tmp_path))
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def alembic_runner(fresh_app: Flask, empty_database_url: URL):
    """What pytest-alembic's tests work with: our configuration, and an engine beside ours."""
    configuration: Config = fresh_app.extensions["migrations"].configuration(quiet=True)
    engine = create_engine(empty_database_url)
    config = pytest_alembic.Config(alembic_config=configuration)
    with pytest_alembic.runner(config, engine) as runner:
        yield runner
    engine.dispose()


def test_the_history_has_a_single_head(alembic_runner):
    built_in.test_single_head_revision(alembic_runner)


def test_the_history_upgrades_from_nothing(alembic_runner):
    built_in.test_upgrade(alembic_runner)


def test_the_models_match_what_the_history_makes(alembic_runner):
    built_in.test_model_definitions_match_ddl(alembic_runner)


def test_the_history_goes_up_down_and_up_again(alembic_runner):
    """`tests/migrations/test_history.py` has the same of this project's own in every run."""
    built_in.test_up_down_consistency(alembic_runner)
