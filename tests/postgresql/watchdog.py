"""Runs a test server, and ends it when the process that wanted it is gone, for whatever reason.

A program of its own, started by `guard.py`, using nothing but the standard library. It reads
commands from its standard input, one JSON object a line: `command` to start, `log` to write to,
`uid` and `gid` to run as (or null). When the started server ends by itself, it says so on its
standard output. When its input closes, because `stop()` closed it or because the process that
held the other end was killed, it stops the server with the signal in its first argument and
removes the folders in the others.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

POLL_SECONDS = 0.1
STOP_SECONDS = 8
REMOVE_SECONDS = 5


def main(arguments: list[str]) -> int:
    """Serve until the input closes, then leave neither a server nor the folders behind."""
    stop_with, *folders = arguments
    leaving = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    for number in leaving:
        signal.signal(number, _leave)
    server: subprocess.Popen[bytes] | None = None
    commands = io.FileIO(0)
    try:
        while True:
            if select.select([commands], [], [], POLL_SECONDS)[0]:
                line = commands.readline()
                if not line:
                    break
                server = _start(line)
            if server and server.poll() is not None:
                server = None
                _report()
    finally:
        for number in leaving:
            signal.signal(number, signal.SIG_IGN)
        if server:
            _stop(server, int(stop_with))
        for folder in folders:
            _remove(Path(folder))
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _start(line: bytes) -> subprocess.Popen[bytes]:
    order = json.loads(line)
    with Path(order["log"]).open("wb") as log:
        return subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=order["uid"],
            group=order["gid"],
            extra_groups=None if order["uid"] is None else [],
        )


def _report() -> None:
    """Tell that the server ended; nobody may be left to listen, which the input then tells."""
    with contextlib.suppress(OSError):
        os.write(1, b"ended\n")


def _stop(server: subprocess.Popen[bytes], number: int) -> None:
    server.send_signal(number)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _remove(folder: Path) -> None:
    """Remove a folder that an orphaned `initdb` may still be writing to for a moment."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
