"""What processes take: memory, and time on a processor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SAMPLE_SECONDS = 0.25


class Tree:
    """A process and all that it started: a server with its workers, a database with its own."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def resident_bytes(self) -> int:
        """The resident memory of all of them; pages that they share count for each."""
        total = 0
        for process in self._members():
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def processor_seconds(self) -> float:
        """The time on a processor of all of them so far, those that ended included."""
        ended = self._root.cpu_times()
        total = float(ended.children_user + ended.children_system)
        for process in self._members():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total

    @contextmanager
    def watched(self) -> Iterator[list[int]]:
        """Note the resident memory again and again inside the block, in bytes."""
        samples = [self.resident_bytes()]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(SAMPLE_SECONDS):
                samples.append(self.resident_bytes())

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield samples
        finally:
            done.set()
            watching.join()

    def _members(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]
