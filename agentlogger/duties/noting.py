"""Findings about what was sent are written down beside ingest, which never waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from agentlogger.errors import Refusal

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
"""A person who looks for missing records finds them told; a commit a second costs nothing."""

LONGEST_END_SECONDS = 5.0
"""A database that hangs must not keep a worker from ending."""


class Noting:
    """A thread that writes findings down from its start until it is stopped, and once more then.

    `write_down` is told whether it is the last time. While the database is away they wait, within
    bounds; what finds no room is counted.
    """

    def __init__(self, write_down: Callable[[bool], None]) -> None:
        self._write_down = write_down
        self._stopped = threading.Event()
        self._missed = False
        self._thread = threading.Thread(target=self._run, name="noting", daemon=True)

    def start(self) -> None:
        """Begin, in this process: a thread does not live through a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End, with everything written that can be."""
        self._stopped.set()
        self._thread.join(timeout=LONGEST_END_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            self._try(is_last=False)
        self._try(is_last=True)

    def _try(self, *, is_last: bool) -> None:
        try:
            self._write_down(is_last)
        except Refusal as refusal:
            if not self._missed:
                logger.warning("Findings are not written down: %s", refusal)
            self._missed = True
        except Exception:
            # Whatever it is, records are taken on.
            if not self._missed:
                logger.exception("Findings are not written down.")
            self._missed = True
        else:
            self._missed = False
