"""`agentlogger serve` in a process of its own, with gunicorn, on a free port.

The process is the fork of one that has the program loaded; `tests/start/` starts it as people do.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from tests import nursery

HOST = "127.0.0.1"
PROGRAMS = Path(sys.executable).parent
READY_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.01
PORTS_TO_TRY = 5
LOG_CHARACTERS = 4_000
OURS = ("AGENTLOGGER_", "DATABASE_URL", "SECRET_KEY", "FLASK_")
NOTHING: Mapping[str, str] = MappingProxyType({})


class ServerFailed(RuntimeError):  # noqa: N818  # Named like the sentence it carries.
    """The server did not start, or did not stop when asked; the message ends with its log."""


class Server:
    """A running server and all of its workers, until `stop` or `kill`. Made by `serving`."""

    def __init__(
        self, process: nursery.Process | subprocess.Popen[bytes], port: int, log: Path
    ) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.begun = time.monotonic()
        self.seconds_to_ready = 0.0

    @property
    def address(self) -> str:
        """What people put into OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The master's process id, which is also the number of the group of all its processes."""
        return self.process.pid

    def stop(self) -> None:
        """Ask the server to end, as an init system does, and return when it has."""
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"SIGTERM did not end the server.\n{self.end_of_log()}") from None
        if status:
            raise ServerFailed(f"After SIGTERM it ended with {status}.\n{self.end_of_log()}")

    def kill(self) -> None:
        """End the server and its workers at once: none of them can finish anything."""
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def end_of_log(self) -> str:
        """What the server printed last."""
        return self.log.read_text(errors="replace")[-LOG_CHARACTERS:]

    def wait_until_ready(self) -> bool:
        """Return when /readyz says ok, False if somebody else has the port. Raises ServerFailed."""
        while True:
            if self.process.poll() is not None:
                if "another program uses it" in self.end_of_log():
                    return False
                raise ServerFailed(f"The server ended while starting.\n{self.end_of_log()}")
            if _answers_ok(self.port):
                self.seconds_to_ready = time.monotonic() - self.begun
                return True
            if time.monotonic() - self.begun > READY_SECONDS:
                raise ServerFailed(f"/readyz was not ok in {READY_SECONDS} s.\n{self.end_of_log()}")
            time.sleep(POLL_SECONDS)


@contextmanager
def serving(
    database_url: str,
    instance: Path,
    *,
    port: int | None = None,
    settings: Mapping[str, str] = NOTHING,
) -> Iterator[Server]:
    """Start the server on this database, wait until it is ready, and stop it at the end.

    `port` is that of an earlier start, taken again where it is still free. The server may be
    stopped or killed inside the block.
    """
    server = _start(database_url, instance, port, settings)
    try:
        yield server
        if server.process.poll() is None:
            server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()


def _start(
    database_url: str, instance: Path, port: int | None, settings: Mapping[str, str]
) -> Server:
    instance.mkdir(parents=True, exist_ok=True)
    for _ in range(PORTS_TO_TRY):
        server = _launch(database_url, instance, _free_port(port), settings)
        try:
            if server.wait_until_ready():
                return server
        except BaseException:
            if server.process.poll() is None:
                server.kill()
            raise
        port = None
    raise ServerFailed(f"Somebody else took {PORTS_TO_TRY} ports.")


def _launch(database_url: str, instance: Path, port: int, settings: Mapping[str, str]) -> Server:
    log = instance / "serve.log"
    own = instance / "none.env"
    own.touch()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
        "DATABASE_URL": database_url,
        "AGENTLOGGER_INSTANCE": str(instance),
        "AGENTLOGGER_PORT": str(port),
        # The checkout's own `.env` is about another server.
        "AGENTLOGGER_ENV_FILE": str(own),
        **settings,
    }
    log.touch()
    words = ["agentlogger", "serve"]
    if "PYTHONPATH" not in settings:
        process = nursery.start(words, cwd=str(instance), environment=environment, log=log)
        return Server(process, port, log)
    # What stands there comes before the program, so nothing of it may be loaded.
    with log.open("ab") as output:
        alone = subprocess.Popen(
            [PROGRAMS / words[0], *words[1:]],
            env=environment,
            cwd=instance,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # A group of its own, which can be killed as one.
        )
    return Server(alone, port, log)


def _free_port(wanted: int | None) -> int:
    """Return the wanted port if nobody listens there, else one that the system calls free."""
    with socket.socket() as probe:
        # Connections of a server that was killed may linger, and stop no new one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError:
            return _free_port(None)
        return int(probe.getsockname()[1])


def _answers_ok(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
