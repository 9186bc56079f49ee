"""How far a walk over records has come, on a terminal: by the time of the records, and counted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agentlogger.terminal.chunks import Place
from agentlogger.terminal.console import console, is_terminal

TIME = re.compile(rb'"ts_ns":"(\d{1,19})"')
LOOKED_AT_EVERY = 500
"""Lines between two looks at a time: to read each would cost more than to pass it on."""

Take = Callable[[bytes], None]


@dataclass
class Advance:
    """What is seen of the lines, and told."""

    began_ns: int
    end_ns: int
    place: Place
    progress: Progress | None = None
    task: TaskID | None = None
    records: int = 0
    size: int = 0

    def seen(self, take: Take) -> Take:
        """The same taking of lines, some of which are looked at; nothing where nobody sees it."""
        if self.progress is None:
            return take

        def look(line: bytes) -> None:
            self.records += 1
            if self.records % LOOKED_AT_EVERY == 0 and (found := TIME.search(line, 0, 512)):
                self._tell(int(found[1]) - self.began_ns)
            take(line)

        return look

    def kept(self, size: int) -> None:
        """A part is on disk; the output has so many bytes."""
        self.size = size
        self.records = self.place.records
        self._tell(None)

    def _tell(self, behind: int | None) -> None:
        if self.progress is not None and self.task is not None:
            told = f"{self.records:,} records"
            told += f", {self.size / 1_000_000:,.1f} MB" if self.size else ""
            self.progress.update(self.task, completed=behind, counted=told)


@contextmanager
def advancing(name: str, place: Place, first_ns: int | None) -> Iterator[Advance]:
    """A bar on a terminal, as long as the time of what is asked for; nothing elsewhere."""
    now = time.time_ns()
    end = min(int(place.asked.get("to", now)), now)
    advance = Advance(first_ns or now, end, place, records=place.records)
    screen = console(stderr=True)
    if not is_terminal(screen):
        yield advance
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        total = max(1, advance.end_ns - advance.began_ns)
        advance.task = progress.add_task(name[-40:], total=total, counted="")
        advance.progress = progress
        yield advance
