"""The test process's side of the watchdog: as long as it lives, the server does."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.postgresql.account import Account, clean_environment

WATCHDOG = Path(__file__).with_name("watchdog.py")
CLOSE_SECONDS = 60


class Guard:
    """A watchdog that stops its server and removes `folders` on `close()` or on our death.

    `stop_with` is SIGQUIT to throw the data away, and SIGINT to write the last of it first.

    The watchdog holds the read end of a pipe. The system closes the write end with this process,
    SIGKILL included. Programs started here do not inherit it, because Python's pipes close on
    exec, and forked children let go of it (see `_let_go`).
    """

    def __init__(self, folders: Sequence[Path], *, stop_with: signal.Signals) -> None:
        # A session of its own, so that Ctrl-C, or killing the process group, leaves the watchdog
        # alive to clean up. Isolated (-I), so that nothing in the checkout shadows a module.
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", WATCHDOG, str(stop_with.value), *folders],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            cwd="/",
            env=clean_environment(),
        )
        # With both asked for, Popen has both.
        assert self._watchdog.stdin
        assert self._watchdog.stdout
        self.lifeline = self._watchdog.stdin
        self._reports = self._watchdog.stdout
        os.set_blocking(self._reports.fileno(), False)
        _open_guards.add(self)

    def start(self, command: Sequence[str | Path], *, log: Path, account: Account | None) -> None:
        """Have the watchdog start the server as its child, writing to a new `log`."""
        order = {
            "command": [str(part) for part in command],
            "log": str(log),
            "uid": account.uid if account else None,
            "gid": account.gid if account else None,
        }
        self.lifeline.write(json.dumps(order).encode() + b"\n")

    def server_ended(self) -> bool:
        """Tell whether the server has ended by itself since this was last asked.

        It counts as ended when the watchdog is gone, too.
        """
        return self._reports.read(64) is not None

    def close(self) -> None:
        """Return when the server and the folders are gone; a second call does nothing."""
        self.lifeline.close()
        self._watchdog.wait(CLOSE_SECONDS)
        self._reports.close()
        _open_guards.discard(self)


_open_guards: set[Guard] = set()


def _close_all() -> None:
    """End servers that nobody stopped while this process still can wait for them to be gone."""
    for guard in tuple(_open_guards):
        guard.close()


def _let_go() -> None:
    """Close a forked child's copy of the write end: the child may outlive this process."""
    for guard in _open_guards:
        guard.lifeline.close()
    _open_guards.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_let_go)
