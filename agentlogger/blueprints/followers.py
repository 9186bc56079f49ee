"""All who follow, in one worker: read for together, and let go of when they or the worker end.

One thread reads what is new for all of them, however many they are, and hands it out; another looks
for clients that are gone and for the worker's end. Each follower sends on a thread of its own.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable

from flask import Flask

from agentlogger.blueprints.admission import Rate
from agentlogger.blueprints.follower import Follower
from agentlogger.blueprints.reading_on import read_on
from agentlogger.errors import TailsTaken
from agentlogger.limits import RETRY_AFTER_SECONDS, TAIL_BYTES_A_SECOND, TAIL_STALL_SECONDS
from agentlogger.models.database import db
from agentlogger.store import wakeups

KEPT_FOR_OTHERS = 8
"""One place of so many is kept for projects that have none of the others."""

LOOK_SECONDS = 0.5
"""How often is looked for what is new where no wake-up comes: in another process's file, or behind
a pooler. It is one question for all followers of a worker."""

PAUSE_SECONDS = 0.1
"""The least between two readings: what is stored meanwhile is read together."""

SHARE = 3
"""A reading is followed by a pause of so many times what it took of a processor: however much is
stored, who follows takes no more than a quarter of one from those who send."""

WATCH_SECONDS = 0.5
"""How soon a client that is gone is noticed, or that the worker is to end."""

STOP_SECONDS = 2.0
"""How long a client may take to take its last events when the worker ends."""

GONE = getattr(select, "POLLRDHUP", 0)
"""What is asked of a connection beside what is always told: whether its other end has closed."""


class Followers:
    """Who follows, in one process. Threads may come and go at the same time."""

    def __init__(self, app: Flask, places: int) -> None:
        self._app = app
        self._places = places
        self._lock = threading.Lock()
        self._followers: set[Follower] = set()
        self._somebody = threading.Event()
        self._has_threads = False
        self._stops: Callable[[], bool] = bool
        self._stops_since: float | None = None
        self._rate = Rate(TAIL_BYTES_A_SECOND)
        self._rate_lock = threading.Lock()

    def stops_when(self, stops: Callable[[], bool]) -> None:
        """Have all end, and be told so, from the moment at which `stops` is true."""
        self._stops = stops

    def join(self, follower: Follower) -> None:
        """Read for one more, from now on until it leaves. Raises TailsTaken."""
        with self._lock:
            kept = 0
            if any(one.scope == follower.scope for one in self._followers):
                kept = self._places // KEPT_FOR_OTHERS
            if self._places - len(self._followers) <= kept:
                raise TailsTaken(
                    "As many tails are open as are served at once: close one, try again in a "
                    "moment, or raise AGENTLOGGER_TAILS.",
                    retry_after=RETRY_AFTER_SECONDS,
                )
            self._followers.add(follower)
            self._somebody.set()
            if not self._has_threads:
                # Not at the start: a thread does not live through a fork.
                self._has_threads = True
                for name, work in (("following", self._follow), ("watching", self._watch)):
                    threading.Thread(target=work, name=name, daemon=True).start()
        wakeups.of(db.engine).ring()

    def leave(self, follower: Follower) -> None:
        """Read for it no longer, and touch its connection no longer."""
        with self._lock:
            self._followers.discard(follower)
            if not self._followers:
                self._somebody.clear()

    def pace(self, size: int) -> None:
        """Wait until so many bytes may be sent, of what the process sends to all in a second."""
        while True:
            with self._rate_lock:
                wait = 0 if self._stops_since else self._rate.wait_seconds()
                if not wait:
                    self._rate.take(size)
                    return
            time.sleep(min(wait, WATCH_SECONDS))

    def _all(self) -> list[Follower]:
        with self._lock:
            return list(self._followers)

    def _follow(self) -> None:
        with self._app.app_context():
            bell = wakeups.of(db.engine)
            heard, is_more = 0, False
            while self._somebody.wait():
                with bell.listening():
                    while followers := self._all():
                        began = time.thread_time()
                        is_more = read_on(followers)
                        time.sleep(max(PAUSE_SECONDS, SHARE * (time.thread_time() - began)))
                        heard = bell.wait(heard, 0 if is_more else LOOK_SECONDS)

    def _watch(self) -> None:
        while self._somebody.wait():
            if self._stops():
                self._stop()
            self._let_go()
            time.sleep(WATCH_SECONDS)

    def _stop(self) -> None:
        self._stops_since = self._stops_since or time.monotonic()
        for one in self._all():
            one.end("stop", "The server ends: follow on at the same address, from this id.")
        if time.monotonic() - self._stops_since > STOP_SECONDS:
            with self._lock:
                for one in self._followers:
                    one.shut()

    def _let_go(self) -> None:
        """Free the threads of clients that are gone, or have taken nothing for long."""
        # Under the lock: behind `leave` the connection may be another request's.
        with self._lock:
            looked_at = {
                connection.fileno(): one
                for one in self._followers
                if (connection := one.connection) is not None
            }
            poll = select.poll()
            for number in looked_at:
                poll.register(number, GONE)
            for number, _ in poll.poll(0):
                looked_at[number].let_go()
            for one in self._followers:
                if one.stalls(TAIL_STALL_SECONDS):
                    one.let_go()
