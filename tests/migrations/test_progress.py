"""What takes long is shown to who looks, and to nobody else."""

from __future__ import annotations

import io
import time

from agentlogger.migrate.trial.progress import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_what_takes_long_is_shown_on_a_terminal_and_cleared(monkeypatch):
    monkeypatch.setattr("agentlogger.migrate.trial.progress.SILENT_SECONDS", 0.01)
    terminal = Terminal()
    with progress("Replaying", terminal) as shown:
        shown(3, 12)
        deadline = time.monotonic() + 10
        while "3/12" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.005)

    assert "Replaying: [######------------------] 3/12, 0 s" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_what_is_quick_is_not_shown():
    terminal = Terminal()
    with progress("Replaying", terminal):
        pass

    assert terminal.getvalue() == ""


def test_nothing_is_shown_where_nobody_looks(monkeypatch):
    monkeypatch.setattr("agentlogger.migrate.trial.progress.SILENT_SECONDS", 0)
    file = io.StringIO()
    with progress("Replaying", file):
        time.sleep(0.05)

    assert file.getvalue() == ""
