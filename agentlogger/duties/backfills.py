"""Columns of large tables are filled while the service serves, gently, by one of the workers."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 30.0
"""How often each worker looks whether there is something to fill: it is minutes of work, and waits
for nobody's click."""

LONGEST_END_SECONDS = 5.0
"""Many batches; a database that hangs must not keep a worker from ending."""


class Backfilling:
    """A thread that looks for backfills from its start until it is stopped, and works them off.

    What goes wrong is said once, until it goes well again or goes wrong in another way: nothing a
    client sent is lost with it, and the worker serves on.
    """

    def __init__(self, work: Callable[[threading.Event], None]) -> None:
        self._work = work
        self._stopped = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="backfills", daemon=True)

    def start(self) -> None:
        """Begin, in this process: a thread does not live through a fork."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that it is in."""
        self._stopped.set()
        self._thread.join(timeout=LONGEST_END_SECONDS)

    def _run(self) -> None:
        # Workers that were started together do not all look at once.
        while not self._stopped.wait(LOOK_EVERY_SECONDS * random.SystemRandom().uniform(0.5, 1.0)):
            self._try()

    def _try(self) -> None:
        try:
            self._work(self._stopped)
        except Exception as fault:  # noqa: BLE001  (whatever it is, the worker serves on)
            sentence = str(fault).strip() or type(fault).__name__
            if sentence != self._said:
                logger.warning("No backfill: %s", sentence)
            self._said = sentence
        else:
            self._said = ""
