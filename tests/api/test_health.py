"""Health in one word, and what it depends on."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import text

from agentlogger import RUNS_AS
from agentlogger.app import create_app
from agentlogger.models.database import db
from agentlogger.store.connections import writing
from tests.conftest import settings_for
from tests.newest_revision import HEAD


def test_the_version_names_the_program_and_its_newest_revision(client):
    assert client.get("/version").get_json() == {
        "version": "0.1.0",
        "runs_as": RUNS_AS,
        "heads": [HEAD],
    }


def test_a_database_that_is_behind_is_not_ready_and_not_served(app, client):
    with app.app_context():
        command.downgrade(app.extensions["migrations"].configuration(quiet=True), "8c40d2b6e713")

    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
    answer = client.post("/api/v1/logs", json={"message": "too early"})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database.revision")
    assert "flask db upgrade" in answer.get_json()["detail"]
    assert int(answer.headers["Retry-After"]) > 0


def test_a_database_of_a_newer_program_is_not_ready(app, client, caplog):
    with app.app_context(), writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'fromthefuture'"))

    assert client.get("/readyz").status_code == 503
    assert "fromthefuture" in caplog.text
    assert "ahead of this program" in caplog.text


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_database_that_is_away_is_not_ready(database_url, tmp_path):
    """On PostgreSQL only: a file is not away."""
    app = create_app(settings_for(database_url.set(port=1), tmp_path))
    away = app.test_client()

    assert (away.get("/healthz").status_code, away.get("/readyz").status_code) == (200, 503)
    for path, content in (("/api/v1/logs", "application/json"), ("/v1/logs", "application/json")):
        answer = away.post(path, data=b"{}", content_type=content)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    with away.session_transaction() as session:
        session["_user_id"] = "4a3c9d1e-0000-4000-8000-000000000000"
    page = away.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    with app.app_context():
        db.engine.dispose()
