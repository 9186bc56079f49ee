"""How much ingest a worker takes at once, and from whom: the rest is told early to come again.

Three bounds, each with its own words: a rate for each key and project, a number of requests at
work, and the memory that they hold. A noisy project meets them first: the last places are for
projects that have fewer than their share.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, g, request

from agentlogger.blueprints.bodies import discard_body
from agentlogger.blueprints.gate import Caller, caller
from agentlogger.config import Rates, Settings
from agentlogger.errors import IngestBusy, RateExceeded
from agentlogger.intake.budget import Budget, Full
from agentlogger.limits import (
    INGEST_BYTES,
    INGEST_WAIT_SECONDS,
    RATE_BURST_SECONDS,
    RETRY_AFTER_SECONDS,
    SHED_BYTES,
)

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

ADMISSION = "agentlogger.admission"

KEPT_FOR_OTHERS = 4
"""One place of so many is kept for projects that have fewer than their share."""


class Places:
    """Places for requests at work, shared between projects. Threads may ask at the same time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept = count // KEPT_FOR_OTHERS
        self._at_work: Counter[int] = Counter()
        self._waiting: Counter[int] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def place(self, project: int, *, wait: float) -> Iterator[None]:
        """A place for a request of this project, waited for. Raises Full where there is none.

        A project that is alone may have every place, and as soon as another waits, no new one
        beyond its share. As many requests may wait as be at work; of the places to wait in, one
        project never has all.
        """
        with self._changed:
            if not self._has_room(self._at_work, project, others=0):
                self._wait(project, wait)
            self._at_work[project] += 1
        try:
            yield
        finally:
            with self._changed:
                self._leave(self._at_work, project)
                self._changed.notify_all()

    def _wait(self, project: int, seconds: float) -> None:
        if not self._has_room(self._waiting, project, others=1):
            raise Full
        self._waiting[project] += 1
        try:
            if not self._changed.wait_for(
                lambda: self._has_room(self._at_work, project, others=0), seconds
            ):
                raise Full
        finally:
            self._leave(self._waiting, project)

    def _has_room(self, places: Counter[int], project: int, *, others: int) -> bool:
        """Whether one more of a project fits among those at work, or among those that wait.

        A share is one of as many as there are projects, at least this one and so many others.
        """
        free = self._count - places.total()
        projects = self._at_work.keys() | self._waiting.keys() | {project}
        within_share = places[project] < self._count / max(len(projects), 1 + others)
        return free > (0 if within_share else self._kept)

    @staticmethod
    def _leave(places: Counter[int], project: int) -> None:
        places[project] -= 1
        if not places[project]:
            del places[project]


class Rate:
    """So much a second, and what was not used lately. What is over is paid off before the next."""

    def __init__(self, a_second: float) -> None:
        self._a_second = a_second
        self._most = max(1, a_second * RATE_BURST_SECONDS)
        self._left = self._most
        self._at = time.monotonic()

    def wait_seconds(self) -> float:
        """How long until the next may come; 0 for now."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._a_second)
        self._at = now
        return 0 if self._left >= 1 else (1 - self._left) / self._a_second

    def take(self, amount: float) -> None:
        """Use so much, now."""
        self._left -= amount


class Admission:
    """Who is let in to send, in one process. A server's rates are shared out among its workers."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self._places = Places(settings.threads)
        self.budget = Budget(INGEST_BYTES)
        self._rates = settings.rates
        self._workers = workers
        self._lock = threading.Lock()
        self._used: dict[tuple[str, object], Rate] = {}

    @contextmanager
    def admit(self, known: Caller) -> Iterator[None]:
        """Let a request in, or refuse it before its body is read. Raises Refusal."""
        self._check_rates(known)
        try:
            with (
                self._places.place(known.scope.project_id, wait=INGEST_WAIT_SECONDS),
                self.budget.hold() as hold,
            ):
                hold.grow_to(request.content_length or 0)
                g.agentlogger_hold = hold
                yield
        except Full:
            raise IngestBusy(
                "The server has as much in hand as it can, so nothing was stored: try the same "
                "again in a moment.",
                retry_after=RETRY_AFTER_SECONDS,
            ) from None
        finally:
            with self._lock:
                for rate in self._rates_of(known, of_bytes=True):
                    rate.take(g.get("agentlogger_wire_bytes", 0))

    def _check_rates(self, known: Caller) -> None:
        with self._lock:
            of_requests = list(self._rates_of(known, of_bytes=False))
            of_bytes = list(self._rates_of(known, of_bytes=True))
            wait = max((rate.wait_seconds() for rate in of_requests + of_bytes), default=0)
            if not wait:
                for rate in of_requests:
                    rate.take(1)
                return
        raise RateExceeded(
            "This key or project sends more than its rate allows, so nothing was stored: try the "
            "same again after the seconds in Retry-After, and send larger batches less often.",
            retry_after=math.ceil(wait),
        )

    def _rates_of(self, known: Caller, *, of_bytes: bool) -> Iterator[Rate]:
        rates: Rates = self._rates
        allowed = (
            (rates.key_bytes, rates.project_bytes)
            if of_bytes
            else (rates.key_requests, rates.project_requests)
        )
        for whose, a_second in zip((known.key, known.scope.project_id), allowed, strict=True):
            if a_second and whose != "":
                name = ("bytes" if of_bytes else "requests", whose)
                if name not in self._used:
                    self._used[name] = Rate(a_second / self._workers)
                yield self._used[name]


def init_app(app: Flask, settings: Settings, workers: int) -> None:
    """Give the application its bounds; `workers` is how many processes share the rates."""
    app.extensions[ADMISSION] = Admission(settings, workers)


def admitted(view: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Let a view that takes records be called only as far as the worker can bear it."""

    @wraps(view)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        admission: Admission = current_app.extensions[ADMISSION]
        try:
            with admission.admit(caller()):
                return view(*args, **kwargs)
        except (RateExceeded, IngestBusy):
            # Little is thrown away for the sender to see the answer; who sends much sees the
            # connection end, and comes again all the same.
            discard_body(SHED_BYTES)
            raise

    return guarded
