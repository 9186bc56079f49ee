"""What ends a statement of SQLite that takes too long: an interrupt from another thread.

A progress handler would be simpler, and would wait for Python's lock at each look at the clock: up
to five milliseconds, where other threads decode.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

AGAIN_SECONDS = 0.05
"""How long after an interrupt the next one comes: one that falls between two statements does
nothing."""


@contextmanager
def bound(connection: Connection, seconds: float) -> Iterator[None]:
    """Interrupt what this connection executes in the block when so many seconds have passed."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (a checked-out connection has one)
    interrupter = _Interrupter(driver, seconds)
    interrupter.start()
    try:
        yield
    finally:
        interrupter.stop()


NOT_MADE_READY = "vtable constructor failed: json_"
"""What SQLite says where the interrupt comes while it makes a statement ready that reads JSON."""


def ran_out_of_time(fault: DBAPIError) -> bool:
    """Whether SQLite says that it was interrupted; nothing else here interrupts it."""
    code = getattr(fault.orig, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_INTERRUPT or str(fault.orig).startswith(NOT_MADE_READY)


class _Interrupter(threading.Thread):
    """Waits, then interrupts one connection until it is stopped."""

    def __init__(self, driver: Any, seconds: float) -> None:
        super().__init__(name="interrupter", daemon=True)
        self._driver = driver
        self._seconds = seconds
        self._done = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Interrupt when it is time, and again as long as anything is executed."""
        seconds = self._seconds
        while not self._done.wait(seconds):
            seconds = AGAIN_SECONDS
            with self._lock:
                if not self._done.is_set():
                    self._driver.interrupt()

    def stop(self) -> None:
        """Interrupt nothing from now on: the connection is somebody else's next."""
        with self._lock:
            self._done.set()
