"""Through PgBouncer in transaction mode a tail looks by itself, and leaves no LISTEN behind."""

from __future__ import annotations

import threading

import pytest

from agentlogger.app import create_app
from agentlogger.blueprints import followers
from agentlogger.models.database import db
from agentlogger.store.postgresql import notifications
from tests.api.test_tail import bodies, events, following, send
from tests.conftest import settings_for
from tests.pgbouncer.pooler import Pooler

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
"""On PostgreSQL only: nothing stands in front of a file."""


@pytest.fixture
def pooled(pooler: Pooler, database_url, tmp_path):
    """The application, whose database is reached through the pooler."""
    app = create_app(settings_for(pooler.url(database_url), tmp_path))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_what_another_process_stores_is_shown(pooled, app, monkeypatch):
    monkeypatch.setattr(followers, "LOOK_SECONDS", 0.05)
    with following(pooled.test_client()) as pieces:
        tailed = events(pieces)
        next(tailed)
        # Another application: nothing rings in this one.
        send(app.test_client(), "a", "b")
        assert bodies([next(tailed), next(tailed)]) == ["a", "b"]


def test_nobody_listens_on_a_connection_that_is_others_in_a_moment(pooled):
    rung: list[None] = []
    with pooled.app_context():
        listening = threading.Thread(
            target=notifications.listen,
            args=(db.engine, lambda: rung.append(None), threading.Event()),
        )
        listening.start()
        listening.join(20)

    assert not listening.is_alive()
    assert rung == []
