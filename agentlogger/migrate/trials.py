"""Trials that a running program makes of its own database, as `flask db plan` and `drift` do.

They make the history anew in a scratch database, so they cost seconds and are made on request. One
at a time in a process: Alembic's `op` belongs to all of its threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from agentlogger.migrate.asking import asked
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.trial import drift as drifting
from agentlogger.migrate.trial import planning
from agentlogger.migrate.trial.drift import Report
from agentlogger.migrate.trial.plan import Plan

_at_work = threading.Lock()


def plan() -> Plan:
    """What an upgrade would do. Inside an application context; the database is only read.

    Raises Refused with one sentence where nobody can tell, or another trial is being made.
    """
    with _alone():
        task = asked("plan")
        task.arguments = dict(current_app.extensions["migrate"].configure_args)
        return planning.plan(task, "head")


def drift() -> Report:
    """Where the database, its history and the models differ; likewise."""
    with _alone():
        task = asked("drift")
        return drifting.drift(task.url, task.folder, task.metadata, task.options, task.dialect)


@contextmanager
def _alone() -> Iterator[None]:
    if not _at_work.acquire(blocking=False):
        raise Refused(
            "Another plan or a look for drift is being made here: ask again when it has ended."
        )
    try:
        yield
    finally:
        _at_work.release()
