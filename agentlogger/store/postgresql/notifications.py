"""PostgreSQL's NOTIFY and LISTEN: how processes of one or several servers wake each other."""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
from sqlalchemy import Engine

from agentlogger.store.postgresql import round_trips

CHANNEL = "agentlogger_arrivals"

LOOK_EVERY_SECONDS = 1.0
"""How soon a listener ends that is asked to."""

RETRY_SECONDS = 5.0
"""How long until a connection that has broken is made anew: who waits looks by itself meanwhile."""

logger = logging.getLogger(__name__)


def tell_others(engine: Engine, settings: str) -> None:
    """Wake whoever listens, in any process, under these settings and in one round trip."""
    with engine.connect() as connection:
        round_trips.one_statement(connection, settings, f"NOTIFY {CHANNEL}")


def listen(engine: Engine, heard: Callable[[], None], deaf: threading.Event) -> None:
    """Call `heard` whenever another process tells, until `deaf` is set.

    On a connection of its own, that no request waits for. Returns at once where a pooler stands in
    between: in PgBouncer's transaction mode LISTEN reaches a connection that is given to others.
    """
    while not deaf.is_set():
        try:
            with closing(psycopg2.connect(**_parameters(engine))) as connection:
                connection.autocommit = True
                if not _is_direct(connection):
                    return
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                # What was told before counts as heard.
                heard()
                _hear(connection, heard, deaf)
        except psycopg2.Error as fault:
            logger.info("Other processes are not listened to for now: %s", fault)
            deaf.wait(RETRY_SECONDS)


def _hear(connection: Any, heard: Callable[[], None], deaf: threading.Event) -> None:
    while not deaf.is_set():
        if any(select.select([connection], [], [], LOOK_EVERY_SECONDS)):
            connection.poll()
            if connection.notifies:
                connection.notifies.clear()
                heard()


def _is_direct(connection: Any) -> bool:
    """Whether the server's process is the one that it is said to be: a pooler makes up its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()
    return bool(process == connection.get_backend_pid())


def _parameters(engine: Engine) -> dict[str, Any]:
    """What the engine's own connections are made with."""
    _, parameters = engine.dialect.create_connect_args(engine.url)
    return {
        "application_name": "agentlogger",
        "connect_timeout": 4,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        **parameters,
    }
