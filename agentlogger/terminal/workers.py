"""How gunicorn serves this application: by `agentlogger serve` and by `gunicorn wsgi:app` alike."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask

from agentlogger.app import backfilling, heartbeat
from agentlogger.config import Settings, is_loopback_host
from agentlogger.errors import SettingInvalid
from agentlogger.models.database import db
from agentlogger.store import users
from agentlogger.store.scope import OperatorScope

POSTGRESQL_WORKERS_MAX = 4
"""Workers where nobody has said how many: Python is what is short, and each takes about 80 MB."""

START = OperatorScope("the server starts")


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told, for these settings of ours."""
    return {
        "bind": [f"[{settings.host}]:{settings.port}" if ":" in settings.host else
                 f"{settings.host}:{settings.port}"],
        # A sync worker is killed in the middle of a long answer; threads also wait well.
        "worker_class": "gthread",
        "workers": settings.workers or default_workers(settings),
        "threads": settings.threads,
        "timeout": 60,
        "graceful_timeout": 30,
        # Agents send every few seconds; a connection kept saves them the handshake.
        "keepalive": 30,
        # The heartbeat file of a worker: on a disk a slow sync would look like a dead worker.
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108
        "control_socket_disable": True,
        # No connection to a database may live through a fork.
        "preload_app": False,
        "post_worker_init": begin_worker,
        "worker_exit": end_worker,
    }  # fmt: skip


def begin_worker(worker: Any) -> None:
    """Start what a worker does by itself, and leave Ctrl-C to the master."""
    _leave_ctrl_c_to_the_master()
    worker.heartbeat = heartbeat(worker.wsgi)
    worker.heartbeat.start()
    worker.backfilling = backfilling(worker.wsgi)
    if worker.backfilling is not None:
        worker.backfilling.start()


def end_worker(_server: Any, worker: Any) -> None:
    """Say goodbye, so that nobody waits for a worker that has ended."""
    if getattr(worker, "backfilling", None) is not None:
        worker.backfilling.stop()
    if hasattr(worker, "heartbeat"):
        worker.heartbeat.stop()


def _leave_ctrl_c_to_the_master() -> None:
    """Let a worker ignore SIGINT.

    Ctrl-C reaches the whole group, and the master then tells its workers to end as well. A worker
    that hears it twice can deadlock in its thread pool (gunicorn 27.0.1), and the stop then takes
    the whole of graceful_timeout.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def default_workers(settings: Settings) -> int:
    """One for SQLite, which takes one writer at a time; several for PostgreSQL."""
    if settings.is_sqlite:
        return 1
    return min(POSTGRESQL_WORKERS_MAX, max(2, os.cpu_count() or 1))


def refuse_exposure(app: Flask, hosts: Iterable[str]) -> None:
    """Refuse to listen beyond this machine while there is no admin. Raises SettingInvalid."""
    exposed = [host for host in hosts if not is_loopback_host(host)]
    if not exposed:
        return
    with app.app_context():
        admin = users.any_admin(START)
        # The master forks workers after this: none may inherit its connection.
        db.engine.dispose()
    if not admin:
        raise SettingInvalid(
            f"The server would listen on {exposed[0]}, beyond this machine, and has no admin: run "
            "`flask users create --admin you@example.org` first, or listen on 127.0.0.1."
        )
