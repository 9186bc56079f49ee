"""Starting a server on a port that is free, and telling why when it does not start."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.postgresql.account import Account, run_as
from tests.postgresql.binaries import Binaries
from tests.postgresql.cluster import (
    ServerFailed,
    configured_port,
    read_postmaster,
    write_settings,
)
from tests.postgresql.guard import Guard

ADDRESS = "127.0.0.1"
START_SECONDS = 60
POLL_SECONDS = 0.02
PORTS_TO_TRY = 5
LOG_LINES = 30
IS_ENDING = "pre-existing shared memory block"
"""Of a server that was killed a process lives for a moment longer, where it was just forked."""


@dataclass(frozen=True)
class Place:
    """Where one server lives and whom it runs as."""

    binaries: Binaries
    folder: Path
    socket_folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The folder that `initdb` makes."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The file that the server writes to from its first moment on."""
        return self.folder / "server.log"


def start_on_free_port(place: Place, settings: Mapping[str, str], guard: Guard | None) -> int:
    """Start the server, under the guard's watchdog or detached, and return its port.

    The port of its last start is tried first. Between finding a port free and the server taking
    it, somebody else may take it; then another one is tried.
    """
    deadline = time.monotonic() + START_SECONDS
    port = _still_free(configured_port(place.data))
    ports = PORTS_TO_TRY
    while ports:
        address = {
            "listen_addresses": ADDRESS,
            "port": str(port),
            "unix_socket_directories": str(place.socket_folder),
        }
        write_settings(place.data, {**settings, **address}, place.account)
        if _start_guarded(place, port, guard, deadline) if guard else _start_detached(place):
            return port
        said = _end_of_log(place)
        if IS_ENDING in said and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            continue
        if "Address already in use" not in said:
            break
        ports -= 1
        port = _still_free(None)
    raise ServerFailed(
        f"PostgreSQL in {place.folder} did not start; its log ends with:\n{_end_of_log(place)}"
    )


def _start_guarded(place: Place, port: int, guard: Guard, deadline: float) -> bool:
    command = [str(place.binaries.folder / "postgres"), "-D", str(place.data)]
    guard.start(command, log=place.log, account=place.account)
    while time.monotonic() < deadline:
        if guard.server_ended():
            return False
        wrote = read_postmaster(place.data)
        # A stale file of an earlier start names another socket folder: each start has a new one.
        if wrote and wrote.ready and wrote.socket_folder == place.socket_folder:
            return wrote.port == port
        time.sleep(POLL_SECONDS)
    return False


def _start_detached(place: Place) -> bool:
    pg_ctl = str(place.binaries.folder / "pg_ctl")
    where = ["-D", str(place.data), "-l", str(place.log)]
    command = [pg_ctl, "start", *where, "--wait", f"--timeout={START_SECONDS}", "--silent"]
    # `pg_ctl` would hand a pipe to read its words from on to the server, and nobody would see
    # the end of it; what matters is in the log.
    started = run_as(place.account, command, listen=False)
    return started.returncode == 0


def _still_free(port: int | None) -> int:
    """Return the port if nobody listens on it, else one that the system calls free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port or 0))
        except OSError:
            return _still_free(None)
        return int(probe.getsockname()[1])


def _end_of_log(place: Place) -> str:
    try:
        lines = place.log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(it wrote none)"
    return "\n".join(lines[-LOG_LINES:])
