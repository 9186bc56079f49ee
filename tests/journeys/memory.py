"""How much memory a server's processes take, where the system tells."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.journeys.serving import Server

PROCESSES = Path("/proc")
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_bytes(server: Server) -> int:
    """The most resident memory that each process of the server ever took, added up.

    Skips the test on a system without /proc.
    """
    if not (PROCESSES / "self" / "status").exists():
        pytest.skip("This system has no /proc, which tells the memory of other processes.")
    return sum(_peak_bytes(pid) for pid in _members(server.pid))


def _members(group: int) -> list[int]:
    """The processes of the server: the master and its workers."""
    pids = [int(entry.name) for entry in PROCESSES.iterdir() if entry.name.isdigit()]
    members = []
    for pid in pids:
        try:
            if os.getpgid(pid) == group:
                members.append(pid)
        except ProcessLookupError:
            continue  # It ended since the folder was listed.
    return members


def _peak_bytes(pid: int) -> int:
    found = PEAK.search((PROCESSES / str(pid) / "status").read_text())
    assert found
    return int(found[1]) * 1024
