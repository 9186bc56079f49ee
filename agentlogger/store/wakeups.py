"""Wake-ups: who waits for what is new hears at once that something was stored.

They are a courtesy, and never what a reader rests on: it looks by itself every now and then, since
a commit of another process may go unheard. Within a process a commit rings by itself; other
processes are told by a thread beside, so that no request waits for it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from weakref import WeakKeyDictionary, ref

from sqlalchemy import Engine

from agentlogger.store.connections import backend_of

TELL_EVERY_SECONDS = 0.1
"""Other processes are told this often at most: on PostgreSQL a NOTIFY has commits that carry one
wait for each other, so it stands in no request's transaction."""

TELLER_SECONDS = 5.0
"""How long the thread that tells them stays for the next time."""

logger = logging.getLogger(__name__)


class Wakeups:
    """The wake-ups of one database in one process. Threads may use it at the same time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = ref(engine)
        self._backend = backend_of(engine.url)
        self._changed = threading.Condition()
        self._rung = 0
        self._is_untold = False
        self._has_teller = False
        self._listeners = 0
        self._deaf = threading.Event()

    def stored(self) -> None:
        """Something was stored by this process: wake who waits here, and have others told."""
        with self._changed:
            self._rung += 1
            self._is_untold = self._backend.OTHERS_CAN_BE_TOLD
            self._changed.notify_all()
            if self._is_untold and not self._has_teller:
                self._has_teller = True
                threading.Thread(target=self._tell, name="wakeups", daemon=True).start()

    def wait(self, heard: int, seconds: float) -> int:
        """Wait until something was stored since `heard`, or for so long; return what is heard."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != heard, seconds)
            return self._rung

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of what other processes store as well, where that is to be had."""
        with self._changed:
            self._listeners += 1
            if self._listeners == 1 and self._backend.OTHERS_CAN_BE_TOLD:
                self._deaf = threading.Event()
                threading.Thread(
                    target=self._listen, args=(self._deaf,), name="listening", daemon=True
                ).start()
        try:
            yield
        finally:
            with self._changed:
                self._listeners -= 1
                if not self._listeners:
                    self._deaf.set()

    def ring(self) -> None:
        """Wake who waits in this process."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def _tell(self) -> None:
        """Tell others, once for all that was stored meanwhile, until nothing is for a while."""
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._is_untold, TELLER_SECONDS):
                    self._has_teller = False
                    return
                self._is_untold = False
            engine = self._engine()
            # Whatever goes wrong: others look by themselves.
            with suppress(Exception):
                if engine is not None:
                    self._backend.tell_others(engine)
            del engine
            time.sleep(TELL_EVERY_SECONDS)

    def _listen(self, deaf: threading.Event) -> None:
        try:
            engine = self._engine()
            if engine is not None:
                self._backend.listen(engine, self.ring, deaf)
        except Exception:
            logger.exception("Other processes are not listened to; a tail looks by itself.")


_of: WeakKeyDictionary[Engine, Wakeups] = WeakKeyDictionary()
os.register_at_fork(after_in_child=_of.clear)


def of(engine: Engine) -> Wakeups:
    """The wake-ups of this engine's database."""
    found = _of.get(engine)
    return found if found is not None else _of.setdefault(engine, Wakeups(engine))
