"""A worker of the service fills tables by itself, and serves on whatever becomes of it."""

from __future__ import annotations

import logging
import threading

import pytest
import sqlalchemy as sa

from agentlogger.app import backfilling, create_app
from agentlogger.duties import backfills as duty
from agentlogger.errors import SettingInvalid
from agentlogger.migrate.backfills.registering import Registering
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.verbs import BackfillOp
from agentlogger.models.database import db
from tests.conftest import settings_for

NAME = "projects_name"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Workers that do not wait long before they look."""
    monkeypatch.setattr(duty, "LOOK_EVERY_SECONDS", 0.02)


@pytest.fixture
def registered(app):
    """The service, on a database where the names of projects are to be filled."""
    definition = BackfillOp("projects", {"name": "'filled'"}, where="name = 'default'").definition
    with app.app_context(), db.engine.begin() as connection:
        Registering("bbb222", keys_of(app.config)[0], 0).register(connection, definition, 1)
    return app


def until(app, query: str, wanted: object) -> None:
    """Wait until a query answers this."""
    for _ in range(200):
        with app.app_context(), db.engine.connect() as connection:
            if connection.execute(sa.text(query)).scalar() == wanted:
                return
        threading.Event().wait(0.05)
    pytest.fail(f"{query} never answered {wanted!r}")


def test_a_worker_fills_what_a_revision_has_left_for_later(registered):
    working = backfilling(registered)
    working.start()
    try:
        until(registered, "SELECT state FROM migration_backfills", "finished")
    finally:
        working.stop()

    until(registered, "SELECT name FROM projects", "filled")


def test_a_server_is_ready_while_something_is_to_be_filled(registered):
    client = registered.test_client()

    assert client.get("/readyz").status_code == 200


def test_it_can_be_switched_off(database_url, tmp_path):
    app = create_app(settings_for(database_url, tmp_path, AGENTLOGGER_BACKFILLS="off"))

    assert backfilling(app) is None


def test_a_word_that_is_neither_on_nor_off_is_refused(database_url, tmp_path):
    with pytest.raises(SettingInvalid, match="must be on or off"):
        settings_for(database_url, tmp_path, AGENTLOGGER_BACKFILLS="maybe")


def test_what_goes_wrong_is_said_once_until_it_goes_wrong_in_another_way(caplog):
    faults = iter([OSError("away"), OSError("away"), ValueError("odd"), None, ValueError("odd")])
    done = threading.Event()

    def work(_stop):
        fault = next(faults, None)
        if fault is None and len(caplog.messages) > 2:
            done.set()
        if fault is not None:
            raise fault

    working = duty.Backfilling(work)
    with caplog.at_level(logging.WARNING):
        working.start()
        assert done.wait(10)
        working.stop()

    assert caplog.messages == ["No backfill: away", "No backfill: odd", "No backfill: odd"]


def test_it_ends_in_the_middle_of_its_work_when_the_worker_does():
    begun = threading.Event()

    def work(stop):
        begun.set()
        assert stop.wait(10)

    working = duty.Backfilling(work)
    working.start()
    assert begun.wait(10)

    working.stop()

    assert not working._thread.is_alive()
