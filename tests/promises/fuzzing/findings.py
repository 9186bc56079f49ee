"""What a target must not do is written to a file: the input, and beside it how it came about."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from agentlogger.errors import Refusal

OURS = "agentlogger/"


class Findings:
    """A folder with one input for each place that something went wrong at: the shortest known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.judgements = 0
        self.read = 0
        """Inputs of which something was read: what lies behind the decoding was tried by these."""
        folder.mkdir(parents=True, exist_ok=True)

    def judged(self, target: Callable[[bytes], bool]) -> Callable[[bytes], None]:
        """The target, with a finding written where anything but a refusal leaves it."""

        def one(content: bytes) -> None:
            self.judgements += 1
            try:
                self.read += bool(target(content))
            except Refusal:
                pass
            except Exception as fault:  # noqa: BLE001  (whatever it is, it is what is looked for)
                self._keep(content, fault)

        return one

    def _keep(self, content: bytes, fault: Exception) -> None:
        file = self.folder / _place(fault)
        if file.exists() and file.stat().st_size <= len(content):
            return
        file.write_bytes(content)
        file.with_suffix(".txt").write_text("".join(traceback.format_exception(fault)))


def _place(fault: Exception) -> str:
    """A name for the fault: what it is, and the last line of ours that it went through."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if OURS in frame.filename] or frames
    return f"{type(fault).__name__}-{Path(ours[-1].filename).stem}-{ours[-1].lineno}.bin"
