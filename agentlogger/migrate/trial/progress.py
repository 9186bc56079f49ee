"""A word on standard error about what takes longer than a second; silent where nobody looks."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SILENT_SECONDS = 1.0
"""What is done sooner needs no explanation."""

EVERY_SECONDS = 0.2
"""Often enough to look alive, seldom enough to cost nothing."""

BAR_WIDTH = 24
CLEAR_LINE = "\r\x1b[K"


class Shown:
    """What is known of how far a task has come."""

    def __init__(self) -> None:
        self.done = 0
        self.of: int | None = None

    def __call__(self, done: int, of: int | None = None) -> None:
        """Tell that this many of so many parts are done; `of` stays what it was when left out."""
        self.done = done
        self.of = of if of is not None else self.of

    def line(self, label: str, seconds: float) -> str:
        """The line that is shown after so many seconds."""
        if not self.of:
            return f"{label}: {seconds:.0f} s"
        full = BAR_WIDTH * min(self.done, self.of) // self.of
        bar = "#" * full + "-" * (BAR_WIDTH - full)
        return f"{label}: [{bar}] {self.done}/{self.of}, {seconds:.0f} s"


@contextmanager
def progress(label: str, stream: TextIO | None = None) -> Iterator[Shown]:
    """Show on a terminal that a block is at work, from its second second on, and clear it after.

    The block may call what it gets with how many of how many parts are done. Nothing is written
    where standard error, or the stream that stands in for it, is no terminal.
    """
    out = stream or sys.stderr
    shown = Shown()
    if not out.isatty():
        yield shown
        return
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(label, shown, out, ended), daemon=True)
    teller.start()
    try:
        yield shown
    finally:
        ended.set()
        teller.join()


def _tell(label: str, shown: Shown, out: TextIO, ended: threading.Event) -> None:
    began = time.monotonic()
    if ended.wait(SILENT_SECONDS):
        return
    while True:
        out.write(CLEAR_LINE + shown.line(label, time.monotonic() - began))
        out.flush()
        if ended.wait(EVERY_SECONDS):
            break
    out.write(CLEAR_LINE)
    out.flush()
