"""How long a client may keep its request's thread waiting for a body.

A read of a body ends when bytes come, and a client may send one a minute, or none: its thread, its
place among the requests at work and its memory would be held for as long as it likes. No server
that we run under bounds this. So one thread of the process looks at all reads that wait, and shuts
the connection of one that has waited for too long; the read then ends at once.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from agentlogger.errors import BodySlow
from agentlogger.intake.body import Stream
from agentlogger.limits import BODY_BYTES_A_SECOND, BODY_GRACE_SECONDS

LOOK_EVERY_SECONDS = 0.25
"""How late a slow body may be noticed: a wait that ends by itself costs no thread any wakeup."""

REST_SECONDS = 2.0
"""After how long without a read that waits the thread ends: one is started in 0.1 ms, and one that
is left looks four times a second for as long as the process lives, though nobody sends anything."""


class Patience:
    """Bounds the waits for bodies in one process. Threads may ask at the same time."""

    def __init__(self, seconds: float) -> None:
        """No body is waited for longer than `seconds` in all."""
        self._seconds = seconds
        self._waiting: dict[PatientStream, float] = {}
        """The reads that wait now, and for each the moment at which it has waited for too long."""
        self._lock = threading.Lock()
        self._began = 0.0
        """When a read has last begun to wait."""
        self._thread: threading.Thread | None = None

    def allowed(self, received: int) -> float:
        """How many seconds may be waited in all for a body of which so many bytes have come."""
        return min(self._seconds, BODY_GRACE_SECONDS + received / BODY_BYTES_A_SECOND)

    def begin(self, stream: PatientStream, seconds: float) -> None:
        """A read of `stream` waits from now on, for so many seconds at most."""
        with self._lock:
            self._began = time.monotonic()
            self._waiting[stream] = self._began + seconds
            if self._thread is None or not self._thread.is_alive():
                # Not at the start: a thread does not live through a fork.
                self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
                self._thread.start()

    def end(self, stream: PatientStream) -> bool:
        """The read waits no longer; whether it was in time."""
        with self._lock:
            return self._waiting.pop(stream, None) is not None

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            now = time.monotonic()
            with self._lock:
                if not self._waiting and now - self._began > REST_SECONDS:
                    # Under the lock: who begins behind it starts another.
                    self._thread = None
                    return
                late = [stream for stream, until in self._waiting.items() if until < now]
                for stream in late:
                    # Under the lock: behind `end` the connection may be another request's.
                    del self._waiting[stream]
                    stream.shut()


class PatientStream:
    """A body as the server gives it, read until its client was waited for too long.

    Only the time counts in which a read waits, not what is done with the bytes meanwhile.
    """

    def __init__(
        self, stream: Stream, patience: Patience, connection: socket.socket | None = None
    ) -> None:
        """Without a `connection` a read that waits is not ended, and judged when it ends."""
        self.received = 0
        self.is_slow = False
        self._stream = stream
        self._patience = patience
        self._connection = connection
        self._waited = 0.0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end. Raises BodySlow, then and whenever asked again."""
        if self.is_slow:
            raise self._refusal()
        left = self._patience.allowed(self.received) - self._waited
        began = time.monotonic()
        self._patience.begin(self, left)
        try:
            piece = self._stream.read(size)
        finally:
            in_time = self._patience.end(self)
            waited = time.monotonic() - began
            self._waited += waited
            if not in_time or waited > left:
                self.is_slow = True
                # What a connection that was shut under it makes of its read is no matter.
                raise self._refusal() from None
        self.received += len(piece)
        return piece

    def shut(self) -> None:
        """End the read that waits; an answer can still be sent."""
        if self._connection is not None:
            with suppress(OSError):
                # Of the plain socket: TLS's own would take the encryption from the answer.
                socket.socket.shutdown(self._connection, socket.SHUT_RD)

    def _refusal(self) -> BodySlow:
        return BodySlow(
            f"The body came too slowly, {self.received:,} bytes in {self._waited:.0f} seconds, so "
            "nothing of it was stored: send fewer records in one request, or over a faster "
            "connection."
        )
