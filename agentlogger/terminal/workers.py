"""How gunicorn serves this application: by `agentlogger serve` and by `gunicorn wsgi:app` alike."""

from __future__ import annotations

import ctypes
import gc
import signal
from collections.abc import Iterable
from mmap import mmap
from pathlib import Path
from typing import Any

from flask import Flask

from agentlogger.app import backfilling, duties, heartbeat, noting
from agentlogger.blueprints.accounts import COUNTERS
from agentlogger.blueprints.counters import LANE_BYTES
from agentlogger.blueprints.tail import FOLLOWERS
from agentlogger.config import Settings, is_loopback_host
from agentlogger.errors import SettingInvalid
from agentlogger.limits import READING_THREADS
from agentlogger.models.database import db
from agentlogger.store import users
from agentlogger.store.scope import OperatorScope

START = OperatorScope("the server starts")

M_ARENA_MAX = -8
"""Which of its limits glibc's mallopt sets (malloc.h)."""
ARENAS = 1
"""Heaps of a worker. glibc gives threads a heap of their own, and each then keeps what its largest
request took: one for all takes 16 and 23 MB less of two workers under load, SQLite and PostgreSQL
(measured), and Python lets one thread at a time ask for memory anyway."""

YOUNG_OBJECTS = 20_000
"""Objects made and not yet freed after which Python searches the young ones for garbage. A request
of 512 records makes 7,000 that stay to its end, so that Python's own 700 had them searched again
and again, and nothing found: 4.7 % of a worker's processor, and 0.4 with this (measured)."""

SPARE_LANES = 16
"""Lanes beyond twice the workers: those that end and those that follow them count side by side."""


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told, for these settings of ours."""
    return {
        "bind": [f"[{settings.host}]:{settings.port}" if ":" in settings.host else
                 f"{settings.host}:{settings.port}"],
        # A sync worker is killed in the middle of a long answer; threads also wait well.
        "worker_class": "gthread",
        "workers": settings.processes,
        # Those at work on what is sent, as many that wait for their turn, those that read, and
        # the tails: no more of each is let in, so that none has to wait for another's thread.
        "threads": 2 * settings.threads + READING_THREADS + settings.tails,
        "worker_connections": 1_000 + settings.tails,
        "timeout": 60,
        "graceful_timeout": 30,
        # Agents send every few seconds; a connection kept saves them the handshake.
        "keepalive": 30,
        # The heartbeat file of a worker: on a disk a slow sync would look like a dead worker.
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108
        # Where somebody asks for a log of requests, each stands there by its own id.
        "access_log_format": '%(h)s %(t)s "%(r)s" %(s)s %(b)s %(M)sms %({x-request-id}o)s',
        "control_socket_disable": True,
        # No connection to a database may live through a fork.
        "preload_app": False,
        "pre_fork": Lanes(2 * settings.processes + SPARE_LANES).give,
        "post_worker_init": begin_worker,
        "worker_exit": end_worker,
    }  # fmt: skip


class Lanes:
    """The memory that a server's workers count in: each worker alive has a lane of its own.

    It is made before the first fork, and the forks share it. It is no file, so that neither a full
    disk nor a killed server leaves anything of it.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._memory = mmap(-1, count * LANE_BYTES)

    def give(self, server: Any, worker: Any) -> None:
        """Give a worker the first lane that none has who is alive; in the master, before a fork."""
        taken = {other.lane for other in server.WORKERS.values() if hasattr(other, "lane")}
        free = (lane for lane in range(self._count) if lane not in taken)
        worker.lane = next(free, self._count - 1)
        worker.counted = self._memory


def begin_worker(worker: Any) -> None:
    """Start what a worker does by itself, and leave Ctrl-C to the master."""
    _leave_ctrl_c_to_the_master()
    _share_one_heap()
    # The application stays to the worker's end: no search for garbage has to go through it, and
    # none copies the pages that it shares with the others.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    worker.wsgi.extensions[COUNTERS].share(worker.counted, worker.lane)
    worker.wsgi.extensions[FOLLOWERS].stops_when(lambda: not worker.alive)
    worker.heartbeat = heartbeat(worker.wsgi)
    worker.heartbeat.start()
    worker.noting = noting(worker.wsgi)
    worker.noting.start()
    worker.backfilling = backfilling(worker.wsgi)
    if worker.backfilling is not None:
        worker.backfilling.start()
    worker.duties = duties(worker.wsgi)
    for duty in worker.duties:
        duty.start()


def end_worker(_server: Any, worker: Any) -> None:
    """Say goodbye, so that nobody waits for a worker that has ended."""
    for duty in getattr(worker, "duties", []):
        duty.stop()
    if hasattr(worker, "noting"):
        worker.noting.stop()
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


def _share_one_heap() -> None:
    """Have all threads of this process share one heap, where glibc makes several."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


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
