"""How long a person waits from typing the command to the first answer."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench.databases import Database
from tests.journeys.serving import serving

ROUNDS = 3


def start_times(make: Callable[[], AbstractContextManager[Database]]) -> tuple[float, float]:
    """The median seconds until /readyz says ok: of a first start, and of the second one.

    A first start finds an empty instance folder and an empty database, and makes both.
    """
    first: list[float] = []
    second: list[float] = []
    for _ in range(ROUNDS):
        with make() as database, tempfile.TemporaryDirectory() as folder:
            for times in (first, second):
                with serving(database.address, Path(folder) / "instance") as server:
                    times.append(server.seconds_to_ready)
    return statistics.median(first), statistics.median(second)
