"""The server as a user starts it, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests import nursery

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 90


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Started:
    """A started program, its own process group, and what it printed into a file."""

    def __init__(
        self,
        *words: str,
        folder: Path,
        cwd: Path = ROOT,
        wait: float = DEADLINE_SECONDS,
        forked: bool = False,
        **settings: str,
    ) -> None:
        """Start it: by itself, as a user does, or `forked` from one that has the same loaded."""
        self.wait = wait
        self.port = int(settings.get("AGENTLOGGER_PORT") or free_port())
        self.output = folder / f"output-{time.time_ns()}.txt"
        clean = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AGENTLOGGER_", "DATABASE_URL", "SECRET_KEY", "GUNICORN_"))
        }
        environment = clean | {
            "PATH": f"{BIN}{os.pathsep}{clean.get('PATH', '')}",
            "AGENTLOGGER_INSTANCE": str(folder / "instance"),
            "AGENTLOGGER_PORT": str(self.port),
            **settings,
        }
        self.output.touch()
        self.process: nursery.Process | subprocess.Popen[bytes]
        if forked:
            self.process = nursery.start(
                [Path(words[0]).name, *words[1:]],
                cwd=str(cwd),
                environment=environment,
                log=self.output,
            )
            return
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                words,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    def status(self, path: str) -> int:
        """The status of a GET; 0 where nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code
        except OSError:
            return 0

    def wait_until_up(self, path: str = "/readyz") -> float:
        """Wait for the first 200; return the seconds it took. Fails with what was printed."""
        began = time.monotonic()
        while time.monotonic() - began < self.wait:
            if self.status(path) == 200:
                return time.monotonic() - began
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{self.process.args} did not come up:\n{self.said()}")

    def wait_until_ended(self) -> int:
        """Wait for it to end by itself; return its code."""
        return self.process.wait(DEADLINE_SECONDS)

    def stop(self) -> None:
        """End it as Ctrl-C does, and its whole group if that does not help."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
