"""A program that kills snapshots and restores at each of their steps, and judges what is left.

`python -m tests.migrations.killing DATABASE snapshot|restore` prints how many steps there were. A
step is a call by which Python or SQLite's driver changes a folder or opens a file. It is a program
of its own since it forks, which a process with threads must not.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from agentlogger.migrate.options import Options
from agentlogger.migrate.sqlite import files
from agentlogger.migrate.sqlite.answers import restore, snapshot, snapshots
from tests.migrations.sqlite_file import NAME, add_users, names, users

STEPS = {"open", "os.link", "os.rename", "os.remove", "os.chmod", "os.chown", "sqlite3.connect"}
MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of its own is made in it)
"""Where a sync costs nothing, if there is such a place: a killed process loses no page there."""

OLD, NEW = ["ada"], ["ada", "bea"]


def killed_at(step: int, task: Callable[[], Any], folder: Path) -> bool:
    """Run a task in a process that is killed at this step; whether it came so far."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in STEPS and str(folder) in str(arguments[0]):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            task()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0, f"failed at step {step}"
    return False


def restored(url: URL, folder: Path) -> None:
    """Judge a folder after a restore that was killed, then after one that was not."""
    database = folder / NAME
    (kept,) = snapshots(url)
    assert files.damage(database) == ""
    assert users(kept) == OLD
    is_exchanged = users(database) == OLD
    if not is_exchanged:
        assert users(database) == NEW
    restore(url, kept, doing="a test")
    # Its own kept file, and one of the killed restore where that had come so far.
    replaced = [path for path in folder.iterdir() if files.REPLACED in path.name]
    assert len(replaced) == 1 + is_exchanged, names(folder)
    assert NEW in [users(path) for path in replaced]
    assert users(database) == users(kept) == OLD
    assert len(names(folder)) == 2 + len(replaced), names(folder)


def snapped(url: URL, folder: Path) -> None:
    """Judge a folder after a snapshot that was killed, then after one that was not."""
    assert users(folder / NAME) == NEW
    assert all(files.damage(path) == "" and users(path) in (OLD, NEW) for path in snapshots(url))
    made = snapshot(url, Options(["snapshots=1"], {}), ["next"])
    assert made is not None
    assert users(made) == NEW
    assert names(folder) == [NAME, made.name]


def main(source: Path, what: str) -> None:
    """Kill at the first step, at the second, and so on until there are no more."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        for step in count(1):
            folder = Path(scratch) / f"step-{step}"
            folder.mkdir()
            shutil.copy(source, folder / NAME)
            url = URL.create("sqlite", database=str(folder / NAME))
            made = snapshot(url, Options([], {}), ["next"])
            assert made is not None
            add_users(url, "bea")
            if what == "restore":
                task: Callable[[], Any] = lambda: restore(url, made, doing="a test")  # noqa: B023, E731  (called at once)
                judge = restored
            else:
                task = lambda: snapshot(url, Options(["snapshots=1"], {}), ["next"])  # noqa: B023, E731  (called at once)
                judge = snapped
            if not killed_at(step, task, folder):
                print(step - 1)
                return
            judge(url, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
