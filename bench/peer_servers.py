"""The servers that are compared, each installed and started as its documentation says."""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import subprocess
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import make_url

from bench import databases
from bench.minimal_projects import ROOT
from tests.journeys.serving import serving

HOST = "127.0.0.1"
READY_SECONDS = 180
STOP_SECONDS = 30
ENVIRONMENTS = ROOT / ".venv"
"""Kept between runs; `make clean` removes them."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    port: int
    pid: int
    seconds_to_ready: float


@dataclass(frozen=True)
class Peer:
    """A server that takes OTLP spans over HTTP, and what its rows are called."""

    name: str
    table: str
    needs: tuple[str, ...] = ()
    """What is installed; nothing for ours, which is here."""
    command: tuple[str, ...] = ()
    """With {port} and {address}, in the environment's folder of programs."""
    variables: Mapping[str, str] = field(default_factory=dict)
    health: str = "/health"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Its environment."""
        return ENVIRONMENTS / f"bench-{self.name.lower()}"

    def install(self) -> None:
        """Install it, unless an earlier run did."""
        done = self.folder / "installed"
        if not self.needs or done.exists():
            return
        print(f"Installing {self.name} ...", flush=True)
        venv.create(self.folder, with_pip=True, clear=True)
        pip = [self.folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *self.needs], check=True)
        done.touch()

    def version(self) -> str:
        """Its version; "" for ours."""
        if not self.needs:
            return ""
        package = self.needs[0].partition("=")[0]
        asked = f"import importlib.metadata as m; print(m.version({package!r}))"
        python = self.folder / "bin" / "python"
        return subprocess.run(
            [python, "-c", asked], check=True, capture_output=True, text=True
        ).stdout.strip()

    @contextmanager
    def serving(self, address: str, folder: Path) -> Iterator[Running]:
        """Serve on a database inside the block."""
        if not self.needs:
            with serving(address, folder) as ours:
                yield Running(ours.port, ours.pid, ours.seconds_to_ready)
            return
        with closing(socket.socket()) as free, closing(socket.socket()) as another:
            free.bind((HOST, 0))
            another.bind((HOST, 0))
            port, grpc = free.getsockname()[1], another.getsockname()[1]
        told = {
            "port": str(port),
            "grpc": str(grpc),
            "folder": str(folder),
            "address": make_url(address)
            .set(drivername="postgresql")
            .render_as_string(hide_password=False),
        }
        program, *words = (word.format(**told) for word in self.command)
        variables = {name: value.format(**told) for name, value in self.variables.items()}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        begun = time.monotonic()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [self.folder / "bin" / program, *words],
                cwd=folder,
                env={**os.environ, **variables, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(process, port, folder / "log")
            yield Running(port, process.pid, time.monotonic() - begun)
        finally:
            _end(process)

    def _wait(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and process.poll() is None:
            connection = http.client.HTTPConnection(HOST, port, timeout=5)
            try:
                connection.request("GET", self.health)
                if connection.getresponse().status < 400:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.1)
        raise RuntimeError(
            f"{self.name} did not start.\n{log.read_text(errors='replace')[-4_000:]}"
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started."""
    for end in (15, 9):
        try:
            os.killpg(process.pid, end)
            process.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return


SERVERS = (
    Peer("AgentLogger", "log_records"),
    Peer(
        "MLflow",
        "spans",
        # What `postgresql://` means depends on the SQLAlchemy that it comes with.
        needs=("mlflow", "psycopg2-binary", "psycopg[binary]"),
        command=(
            "mlflow", "server", "--host", HOST, "--port", "{port}",
            "--backend-store-uri", "{address}", "--default-artifact-root", "{folder}/artifacts",
        ),
        headers={"x-mlflow-experiment-id": "0"},
    ),
    Peer(
        "Phoenix",
        "spans",
        needs=("arize-phoenix", "psycopg2-binary", "asyncpg"),
        command=("phoenix", "serve"),
        variables={
            "PHOENIX_SQL_DATABASE_URL": "{address}",
            "PHOENIX_HOST": HOST,
            "PHOENIX_PORT": "{port}",
            "PHOENIX_GRPC_PORT": "{grpc}",
            "PHOENIX_WORKING_DIR": "{folder}",
            "PHOENIX_TELEMETRY_ENABLED": "false",
        },
        health="/healthz",
    ),
)  # fmt: skip

Found = TypeVar("Found")


def choosing(parser: argparse.ArgumentParser) -> None:
    """Let somebody say which of them are measured, and where."""
    parser.add_argument("--only", choices=[peer.name.lower() for peer in SERVERS])
    parser.add_argument(
        "--postgresql-url", help="a server to make databases on; else one is started for this"
    )


def of_each(asked: argparse.Namespace, measure: Callable[[Peer, str], Found]) -> dict[str, Found]:
    """What is found of each server that is asked for, each on a database of its own."""
    chosen = [peer for peer in SERVERS if asked.only in {None, peer.name.lower()}]
    for peer in chosen:
        peer.install()
    results = {}
    for peer in chosen:
        with databases.postgresql(asked.postgresql_url) as database:
            if peer is chosen[0]:
                print(database.facts)
            print(f"{peer.name} {peer.version()} ...", flush=True)
            results[peer.name] = measure(peer, database.address)
    return results
