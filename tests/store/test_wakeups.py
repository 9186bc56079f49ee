"""Who waits for what is new hears of it at once, from its own process and from others."""

from __future__ import annotations

import threading

import psycopg2
import pytest

from agentlogger.models.database import db
from agentlogger.store import wakeups

WAIT_SECONDS = 60
"""How long what must come is waited for."""


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def test_who_waits_hears_of_its_own_process():
    bell = wakeups.of(db.engine)
    heard = bell.wait(-1, 0)
    ringing = threading.Timer(0.01, bell.stored)
    ringing.start()

    assert bell.wait(heard, WAIT_SECONDS) != heard
    assert bell.wait(bell.wait(heard, 0), 0) == bell.wait(heard, 0)
    ringing.join()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_processes_on_postgresql_wake_each_other(database_url):
    bell = wakeups.Wakeups(db.engine)
    another = wakeups.Wakeups(db.engine)
    with bell.listening():
        # It rings once when it has begun to listen.
        listening = bell.wait(0, WAIT_SECONDS)
        assert listening == 1
        another.stored()
        told = bell.wait(listening, WAIT_SECONDS)
        assert told > listening

        # And again when its connection is lost and made anew.
        operator = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg2.connect(operator) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
            assert cursor.fetchone() == (1,)
        connection.close()
        assert bell.wait(told, WAIT_SECONDS) > told
