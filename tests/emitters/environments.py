"""A Python environment for each emitter, made once and kept under `build/`."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.journeys.requirements import need

FOLDER = Path(__file__).parent
CACHE = FOLDER.parents[1] / "build" / "emitters"
INSTALL_SECONDS = 300
RUN_SECONDS = 120

UNREACHABLE = ("Failed to establish a new connection", "NewConnectionError", "Name or service",
    "Temporary failure in name resolution", "ConnectTimeoutError", "Network is unreachable",
    "Connection refused", "ReadTimeoutError", "ProxyError")  # fmt: skip
"""What pip says where it cannot reach its registry; anything else is a mistake of ours."""


def python_of(name: str) -> Path:
    """The Python that has the packages of `requirements/<name>.txt`, all of them pinned."""
    wanted = FOLDER / "requirements" / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(wanted.read_bytes() + version.encode()).hexdigest()[:12]
    made = CACHE / f"{name}-{digest}"
    if not (made / "installed").exists():
        _make(made, wanted)
    return made / "bin" / "python"


def _make(folder: Path, wanted: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    patience = ["--disable-pip-version-check", "--retries", "2", "--timeout", "20"]
    try:
        done = subprocess.run(
            [*install, *patience, "-r", wanted],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        need("registry", False, f"pip got no packages in {INSTALL_SECONDS} s: try again")
        raise
    if done.returncode:
        unreachable = any(words in done.stderr for words in UNREACHABLE)
        need("registry", not unreachable, "pip cannot reach its registry: try with a network")
        pytest.fail(f"pip install -r {wanted.name} failed:\n{done.stderr}")
    (folder / "installed").touch()


def run(python: Path, program: str, environment: dict[str, str]) -> None:
    """Run a program of `programs/`, and fail with what it said if it fails.

    It gets no settings of the person who runs this, and a home of its own.
    """
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [python, FOLDER / "programs" / program],
            env={"PATH": os.environ["PATH"], "HOME": home, "PYTHONUNBUFFERED": "1", **environment},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
