"""What ends a wait for a PostgreSQL that hangs: one that is stopped, paused or cut off.

A connection to such a server stays open and says nothing; a request that waits on it would be
answered long after its client has given up. So whoever has waited for long makes the watchdog knock
at the server anew, and where nothing answers there, all who wait are woken with an error and the
next are told at once, until it answers again. A server that is slow and answers is let be.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import extensions
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from agentlogger.errors import DatabaseUnavailable
from agentlogger.limits import RETRY_AFTER_SECONDS

PATIENCE_SECONDS = 2.0
"""How long a connection is in use before its server is knocked at: most take milliseconds."""

KNOCK_SECONDS = 2.0
"""How long a server may take to let one in and answer: with the patience before it, who waits
hears of it well within the ten seconds after which an OTLP client gives up."""

LOOK_EVERY_SECONDS = 0.25

REST_SECONDS = 2.0
"""After how long without a connection in use the thread ends, unless the server hangs: one is
started in 0.1 ms, and one that is left looks four times a second though nobody asks anything."""

PING_SECONDS = 1.0
"""For how long a connection that has answered is given out unasked, unless its server has ended it:
a ping before each transaction takes as long as another statement."""

ANSWERED = "agentlogger.answered"
"""Since when a connection is in no use: its last user left it when the server had answered."""


class Watchdog:
    """Watches the connections of one engine that are in use, from the first one on."""

    def __init__(self, engine: Engine) -> None:
        self.hangs = False
        self._in_use: dict[int, tuple[float, int]] = {}
        """For each connection its begin of use and its socket."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = 0.0
        self._began = 0.0
        """When a connection was last taken into use."""
        self._parameters: dict[str, Any] = {}
        self._listen(engine)

    def refuse_while_it_hangs(self) -> None:
        """Raises DatabaseUnavailable where the server was found to hang and has not answered."""
        if self.hangs:
            raise DatabaseUnavailable(
                "The database does not answer, so nothing was stored or read: try the same again "
                "in a moment.",
                retry_after=RETRY_AFTER_SECONDS,
            )

    def _listen(self, engine: Engine) -> None:
        @event.listens_for(engine, "do_connect")
        def _remember(_dialect: Any, _record: Any, _words: Any, parameters: dict[str, Any]) -> None:
            self._parameters = dict(parameters)

        @event.listens_for(engine, "connect")
        def _note_new(_connection: Any, record: Any) -> None:
            record.info[ANSWERED] = time.monotonic()

        @event.listens_for(engine, "checkin")
        def _note_answer(connection: Any, record: Any) -> None:
            # What was lost comes back closed, or not at all.
            if connection is not None and not connection.closed:
                record.info[ANSWERED] = time.monotonic()

        @event.listens_for(engine, "checkout")
        def _watch(connection: Any, record: Any, _proxy: Any) -> None:
            self._begin(connection)
            since = time.monotonic() - record.info.get(ANSWERED, -PING_SECONDS)
            if since < PING_SECONDS and not _has_been_told(connection):
                return
            try:
                # What SQLAlchemy's own ping does; that one comes before anybody could watch it.
                engine.dialect.do_ping(connection)
            except psycopg2.Error as fault:
                self._end(connection)
                self.refuse_while_it_hangs()
                raise DisconnectionError(str(fault)) from fault

        for ending in ("checkin", "invalidate", "close", "close_detached"):
            event.listen(engine, ending, lambda connection, *_: self._end(connection))

    def _begin(self, connection: Any) -> None:
        with self._lock:
            self._began = time.monotonic()
            self._in_use[id(connection)] = self._began, connection.fileno()
            if self._thread is None or not self._thread.is_alive():
                # Not at the start: a thread does not live through a fork.
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()

    def _end(self, connection: Any) -> None:
        with self._lock:
            self._in_use.pop(id(connection), None)

    def _run(self) -> None:
        while not self._rests():
            time.sleep(LOOK_EVERY_SECONDS)
            self._look()

    def _rests(self) -> bool:
        """Whether there is nothing to watch; decided under the lock, so that who comes is seen."""
        with self._lock:
            rests = (
                not self._in_use
                and not self.hangs
                and time.monotonic() - self._began > REST_SECONDS
            )
            if rests:
                self._thread = None
            return rests

    def _look(self) -> None:
        now = time.monotonic()
        with self._lock:
            waits = any(now - since > PATIENCE_SECONDS for since, _ in self._in_use.values())
        if self.hangs:
            self.hangs = not self._answers()
        elif waits and now - self._asked > PATIENCE_SECONDS:
            self.hangs = not self._answers()
            self._asked = time.monotonic()
        if self.hangs:
            self._wake_all()

    def _wake_all(self) -> None:
        """Shut the sockets of all who wait: each of them gets an error from its driver."""
        with self._lock:
            latest = time.monotonic() - PATIENCE_SECONDS
            for since, descriptor in self._in_use.values():
                if since < latest:
                    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as its_socket:
                        its_socket.shutdown(socket.SHUT_RDWR)

    def _answers(self) -> bool:
        """Whether the server lets one in and answers; an error is an answer as well."""
        until = time.monotonic() + KNOCK_SECONDS
        try:
            knocking = psycopg2.connect(**self._parameters, async_=True)
        except psycopg2.Error:
            return True
        try:
            if not _settled(knocking, until):
                return False
            knocking.cursor().execute("SELECT 1")
            return _settled(knocking, until)
        except psycopg2.Error:
            return True
        finally:
            knocking.close()


def _has_been_told(connection: Any) -> bool:
    """Whether a server has said something unasked, as one does that ends a connection."""
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return bool(looking.poll(0))


def _settled(connection: Any, until: float) -> bool:
    """Whether what was begun on an asynchronous connection has come to its end in time."""
    while (state := connection.poll()) != extensions.POLL_OK:
        left = until - time.monotonic()
        descriptors = [connection.fileno()]
        reads = descriptors if state == extensions.POLL_READ else []
        writes = descriptors if state == extensions.POLL_WRITE else []
        if left <= 0 or not any(select.select(reads, writes, [], left)):
            return False
    return True
