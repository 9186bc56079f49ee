"""Every worker says that it lives: a contract waits until no older program does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from agentlogger.errors import Refusal
from agentlogger.migrate.ledger.instances import BEAT_SECONDS

logger = logging.getLogger(__name__)


class Heartbeat:
    """A thread that beats from its start until it is stopped, and then says goodbye.

    A database that is away is said once, and once more when it is back: a beat is no record, and
    nothing is lost with it.
    """

    def __init__(self, beat: Callable[[], None], leave: Callable[[], None]) -> None:
        self._beat = beat
        self._leave = leave
        self._stopped = threading.Event()
        self._missed = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin, in this process: a thread does not live through a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the goodbye."""
        self._stopped.set()
        self._thread.join(timeout=BEAT_SECONDS)

    def _run(self) -> None:
        self._try(self._beat)
        while not self._stopped.wait(BEAT_SECONDS):
            self._try(self._beat)
        self._try(self._leave)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Refusal as refusal:
            if not self._missed:
                logger.warning("No heartbeat: %s", refusal)
            self._missed = True
        except Exception:
            # Whatever it is, such as a right that was taken away: a worker that stops beating
            # counts as gone, and a contract would no longer wait for it.
            logger.exception("No heartbeat.")
        else:
            if self._missed:
                logger.warning("Heartbeat again.")
            self._missed = False
