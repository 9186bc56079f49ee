"""Breaks a promise in a server that a test starts with this folder on its PYTHONPATH.

Python imports this by itself. `BREAK_PROMISE` in the environment says which function to call. The
proofs are run on what these make, and must find it out.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from flask import current_app
from sqlalchemy import event

from agentlogger.intake import digests
from agentlogger.store import appending, identities
from agentlogger.store.sqlite import backend as sqlite

LATE_SECONDS = 0.1


def answer_before_commit():
    """Answer at once, and store a moment later."""
    append = appending.append
    later = ThreadPoolExecutor(2)

    def store(app, scope, records, more):
        time.sleep(LATE_SECONDS)
        with app.app_context():
            append(scope, records, **more)

    def answer(scope, records, **more):
        later.submit(store, current_app._get_current_object(), scope, records, more)
        return appending.Appended(len(records), 0, [])

    appending.append = answer


def synchronous_off():
    """Let SQLite's commits not wait for the disk."""
    prepare = sqlite.prepare

    def prepare_carelessly(engine):
        prepare(engine)
        # The one that writes is in a pool of its own, which `prepare` has made.
        for connects in (engine, sqlite._writers[engine]):
            event.listen(
                connects,
                "connect",
                lambda connection, _: connection.execute("PRAGMA synchronous=OFF"),
            )

    sqlite.prepare = prepare_carelessly


def no_digests():
    """Know no request again."""
    digests.claim = lambda *_: None


def no_identities():
    """Know no record again; its request may be known."""
    identities.claim = lambda _scope, _connection, claims: set(claims)


if broken := os.environ.get("BREAK_PROMISE"):
    globals()[broken]()
