"""When each key was last sent with, remembered in a worker until it is written down."""

from __future__ import annotations

import threading
from time import time_ns

from flask import Flask, current_app

from agentlogger.blueprints.gate import caller
from agentlogger.store import senders as store
from agentlogger.store.appending import Appended
from agentlogger.store.scope import OperatorScope
from agentlogger.store.senders import Who

SEEN = "agentlogger.senders"
NOTES = OperatorScope("who sends to any project is noted together")

SECOND_NS = 10**9

EVERY_NS = 10 * SECOND_NS
"""How often a key that sends all the time is written: the shortest alert looks back a minute."""


class Senders:
    """The last receipt of each key. Threads may note at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[Who, int] = {}
        self._written: dict[Who, int] = {}

    def see(self, who: Who, now_ns: int) -> None:
        """Records came just now."""
        with self._lock:
            self._last[who] = now_ns

    def take(self, *, everything: bool) -> dict[Who, int]:
        """What is to be written, of which each key is taken once in a while."""
        with self._lock:
            taken = {
                who: last
                for who, last in self._last.items()
                if everything or last - self._written.get(who, 0) >= EVERY_NS
            }
            for who, last in taken.items():
                del self._last[who]
                self._written[who] = last
        return taken

    def give_back(self, taken: dict[Who, int]) -> None:
        """It could not be written."""
        with self._lock:
            for who, last in taken.items():
                self._last.setdefault(who, last)
                self._written.pop(who, None)


def init_app(app: Flask) -> None:
    """Let the application remember who sends until it is written down."""
    app.extensions[SEEN] = Senders()


def see(appended: Appended) -> None:
    """Note with which key records came just now that were stored, or known already."""
    if appended.stored or appended.duplicates:
        known = caller()
        _seen().see((known.scope.project_id, known.key), time_ns())


def write_down(*, everything: bool = False) -> None:
    """Put what this process has seen into the database. Raises DatabaseUnavailable."""
    seen = _seen()
    taken = seen.take(everything=everything)
    try:
        store.note(NOTES, taken)
    except Exception:
        seen.give_back(taken)
        raise


def _seen() -> Senders:
    seen: Senders = current_app.extensions[SEEN]
    return seen
