"""Node.js, and the packages that a JavaScript journey imports, installed once for each machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.journeys.requirements import need

SOURCES = Path(__file__).with_name("javascript")
INSTALL = "apt-get install nodejs npm"
OLDEST = (18, 19)
INSTALL_SECONDS = 120
UNREACHABLE = (
    "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ENOTCACHED", "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT", "ETIMEDOUT",
)  # fmt: skip
"""What npm says where it cannot reach its registry; anything else is a mistake of ours."""


def installed_packages(sources: Path = SOURCES) -> Path:
    """The folder with the `package.json` of `sources`, and its `node_modules`.

    It lies in the person's cache and is named by what is in `package.json`: the next run, of
    whichever checkout, downloads nothing.
    """
    npm = shutil.which("npm")
    need("node", npm is not None and _node_version() >= OLDEST, INSTALL)
    assert npm
    wanted = (sources / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentlogger-tests"
    folder = cache / hashlib.sha256(wanted).hexdigest()[:16]
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as empty:
            making = Path(empty) / "packages"
            making.mkdir()
            (making / "package.json").write_bytes(wanted)
            _install(npm, making)
            _put_in_place(making, folder)
    return folder


def run(script: str, packages: Path, environment: dict[str, str], sources: Path = SOURCES) -> None:
    """Run a script of `sources` with the packages, and fail with what it said if it fails."""
    done = subprocess.run(
        ["node", str(sources / script)],
        env={**os.environ, "NODE_PATH": str(packages / "node_modules"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _node_version() -> tuple[int, ...]:
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(part) for part in said.stdout.strip().lstrip("v").split(".")[:2])


def _install(npm: str, folder: Path) -> None:
    command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    # npm's own pauses between tries would keep a machine without a network waiting for a minute.
    patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=200", "--fetch-retry-maxtimeout=900"]
    try:
        done = subprocess.run(
            [*command, *patience, "--fetch-timeout=20000"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        need("node", False, f"npm got no packages in {INSTALL_SECONDS} s: try again with a network")
        raise
    if done.returncode:
        unreachable = any(code in done.stderr for code in UNREACHABLE)
        need("node", not unreachable, "npm cannot reach its registry: try again with a network")
        pytest.fail(f"npm install failed:\n{done.stderr}")


def _put_in_place(made: Path, folder: Path) -> None:
    """Move the packages to where everybody looks; of two runs at once the first one wins."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.exists():
            raise
