"""What is killed: the server with all its workers, or PostgreSQL with all its processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgresql.account import make_temporary_folder, unprivileged_account
from tests.postgresql.cluster import read_postmaster
from tests.postgresql.server import Server, start_server

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_writer_delay": "10s",
}
"""What a server for tests switches off, and one with data that matters does not. Nothing but a
commit shall write its log: else what does not wait for it is there by luck."""


class PostgreSQL:
    """A server of its own that writes durably, and comes back after a crash at one address."""

    def __init__(self) -> None:
        self._folder = make_temporary_folder(unprivileged_account())
        self._server: Server | None = self._start()
        self.url = self._server.url()

    def _start(self) -> Server:
        return start_server(folder=self._folder, settings=DURABLE)

    def processes(self) -> list[int]:
        """The postmaster and all that it has started."""
        postmaster = read_postmaster(self._folder / "data")
        assert postmaster is not None
        return [postmaster.pid, *children(postmaster.pid)]

    def crash(self) -> None:
        """End all of it at once, as a crash of the machine would; the kernel keeps what it has."""
        # The first of them starts no new ones when it is gone.
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_again(self) -> None:
        """Return when it takes connections again, with what was on disk."""
        assert self._server is not None
        self._server.stop()  # Its watchdog; the server itself is gone.
        self._server = None
        self._server = self._start()
        assert self._server.url() == self.url, "its port was taken"

    def close(self) -> None:
        """End it, and remove its data."""
        if self._server is not None:
            self._server.stop()
        shutil.rmtree(self._folder)


@contextmanager
def own_postgresql() -> Iterator[PostgreSQL]:
    """A server that may crash."""
    server = PostgreSQL()
    try:
        yield server
    finally:
        server.close()


def children(pid: int) -> list[int]:
    """The processes that this one has started and that are still there, and theirs."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [pid]
    for each in found:
        found += [child for child, parent in parents if parent == each]
    return found[1:]
