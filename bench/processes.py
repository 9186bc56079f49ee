"""What processes take: memory, and time on a processor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.25


@dataclass(frozen=True, order=True)
class Memory:
    """Memory of several processes, in bytes."""

    proportional: int
    """Linux' PSS: a page that n of them share counts a nth for each, so once in all."""
    resident: int
    """RSS: a page that they share counts for each of them."""

    def __str__(self) -> str:
        return f"{self.proportional / 10**6:,.0f} ({self.resident / 10**6:,.0f})"


class Tree:
    """A process and all that it started: a server with its workers, a database with its own."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def memory(self) -> Memory:
        """The resident memory of all of them."""
        proportional = resident = 0
        for process in self._members():
            try:
                found = process.memory_full_info()
            except psutil.NoSuchProcess:
                continue
            proportional += found.pss
            resident += found.rss
        return Memory(proportional, resident)

    def largest(self) -> int:
        """The resident memory of the one that holds most."""
        found = [0]
        for process in self._members():
            with suppress(psutil.NoSuchProcess):
                found.append(process.memory_info().rss)
        return max(found)

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
    def watched(self) -> Iterator[list[Memory]]:
        """Note the memory again and again inside the block."""
        samples = [self.memory()]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(SAMPLE_SECONDS):
                samples.append(self.memory())

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield samples
        finally:
            done.set()
            watching.join()

    def _members(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]
