"""System calls of a server and its database, as strace tells them, in their order."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.journeys.requirements import need

STRACE = "strace"
CALLS = "fsync,fdatasync,recvfrom,sendto"
SYNCS = {"fsync", "fdatasync"}
ATTACH_SECONDS = 60
NO_LEAVE = (
    "it may not look at other processes here: become root, or `sysctl kernel.yama.ptrace_scope=0`"
)

LINE = re.compile(
    r"(?P<thread>\d+) +"
    r"(?:(?P<call>\w+)\((?P<told>.*)|<\.\.\. (?P<resumed>\w+) resumed>(?P<rest>.*))"
)
UNFINISHED = "<unfinished ...>"
REQUEST = '"POST /'
SUCCESS = '"HTTP/1.1 200'


@dataclass
class Trace:
    """What happened, each thing with its place in the order of all calls."""

    answers: list[tuple[int, int]] = field(default_factory=list)
    """For each success: where its request had been read, and where its answer began to be sent."""
    syncs: list[tuple[int, int]] = field(default_factory=list)
    """Where each successful sync began and where it ended."""

    def unsynced(self) -> list[tuple[int, int]]:
        """Answers before which no sync both began and ended after their request had come."""
        return [
            (came, answered)
            for came, answered in self.answers
            if not any(came < began and ended < answered for began, ended in self.syncs)
        ]


def require_strace() -> None:
    """Return where strace is installed; else skip the test, or fail it where it is required."""
    need(STRACE, shutil.which(STRACE) is not None, "apt-get install strace")


@contextmanager
def traced(pids: Sequence[int], file: Path) -> Iterator[None]:
    """Write down the calls of these processes, and of all that they start, in the block."""
    attach = [word for pid in pids for word in ("-p", str(pid))]
    told = file.with_suffix(".err")
    with told.open("w") as said:
        strace = subprocess.Popen(
            [STRACE, "-f", "-s", "20", "-e", f"trace={CALLS}", "-o", str(file), *attach],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    try:
        _wait_until_attached(strace, told, pids)
        yield
    finally:
        strace.terminate()
        strace.wait()


def _wait_until_attached(strace: subprocess.Popen[bytes], told: Path, pids: Sequence[int]) -> None:
    """Return when each of them is; what they start meanwhile is told in the same words."""
    deadline = time.monotonic() + ATTACH_SECONDS
    while not all(f"Process {pid} attached" in (said := told.read_text()) for pid in pids):
        need(STRACE, "Operation not permitted" not in said, NO_LEAVE)
        assert strace.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.02)


def read_trace(file: Path) -> Trace:
    """What strace wrote. A call that another interrupts stands there twice: begun, and resumed."""
    trace = Trace()
    begun: dict[str, tuple[int, str]] = {}
    came: dict[str, int] = {}
    for place, line in enumerate(file.read_text().splitlines()):
        match = LINE.match(line)
        if match is None:
            continue
        thread, began, told = match["thread"], place, match["told"]
        name = match["call"] or match["resumed"]
        if match["resumed"]:
            began, told = begun.pop(thread, (place, ""))
            told += match["rest"]
        elif told.endswith(UNFINISHED):
            begun[thread] = place, told.removesuffix(UNFINISHED)
        if name == "sendto" and not match["resumed"] and SUCCESS in told and thread in came:
            trace.answers.append((came.pop(thread), place))
        if told.endswith(UNFINISHED):
            continue
        if name == "recvfrom" and REQUEST in told:
            came[thread] = place
        if name in SYNCS and told.endswith(" = 0"):
            trace.syncs.append((began, place))
    return trace
