"""On a machine with only Python and make: the environment makes itself, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.journeys.requirements import need
from tests.start.server import ROOT, Started

MAKE = shutil.which("make")
TOOLS = ("make", "sh", "touch", "rm", "mkdir")
CHECKOUT = (
    "agentlogger", "migrations", "Makefile", "README.md", "LICENSE", "gunicorn.conf.py",
    "pyproject.toml", "setup.cfg", "wsgi.py",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:9/simple"
"""An index that nothing answers at: whoever asks it fails."""


@pytest.fixture
def bare(tmp_path):
    """A checkout, and a PATH on which there is nothing else than a system has at least."""
    need("make", present=MAKE is not None, install="apt-get install make")
    checkout, path = tmp_path / "checkout", tmp_path / "bin"
    path.mkdir()
    for name in CHECKOUT:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, checkout / name, ignore=ignored)
        else:
            checkout.mkdir(exist_ok=True)
            shutil.copy(source, checkout / name)
    for tool in TOOLS:
        (path / tool).symlink_to(str(shutil.which(tool)))
    return checkout, path


def make(checkout: Path, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words],
        cwd=checkout,
        env={"PATH": str(path), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write_python(path: Path, name: str, says: str) -> None:
    """A Python that fails as told, for what the Makefile asks of it."""
    (path / name).write_text(f"#!/bin/sh\n{says}\n")
    (path / name).chmod(0o755)


def test_without_a_new_enough_python_it_is_told_so(bare):
    checkout, path = bare
    write_python(path, "python3", "exit 1")

    outcome = make(checkout, path, "serve")

    assert outcome.returncode != 0
    assert "AgentLogger needs Python 3.11 or newer" in outcome.stderr


def test_a_python_without_ensurepip_is_told_which_package_to_install(bare):
    checkout, path = bare
    write_python(
        path,
        "python3",
        f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac',
    )

    outcome = make(checkout, path, "serve")

    assert outcome.returncode != 0
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt-get install python{version}-venv" in outcome.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.promise
def test_one_command_installs_and_serves_and_a_second_start_touches_no_network(bare, tmp_path):
    checkout, path = bare
    (path / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    reachable = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", tmp_path, "blinker"],
        capture_output=True,
        timeout=120,
        check=False,
    )
    need(
        "registry",
        present=reachable.returncode == 0,
        install="connect this machine to a package index of Python",
    )
    settings = {"PATH": str(path), "AGENTLOGGER_INSTANCE": ""}

    first = Started("make", "serve", folder=tmp_path, cwd=checkout, wait=240, **settings)
    try:
        first.wait_until_up()
    finally:
        first.stop()
    made = (checkout / "instance" / "agentlogger.db").stat().st_ino
    began = time.monotonic()
    second = Started(
        "make", "serve", folder=tmp_path, cwd=checkout,
        PIP_INDEX_URL=NOWHERE, PIP_EXTRA_INDEX_URL="", PIP_RETRIES="0", **settings,
    )  # fmt: skip
    try:
        second.wait_until_up()
    finally:
        second.stop()

    assert "Installing" in first.said()
    assert "Installing" not in second.said()
    assert time.monotonic() - began < 30
    assert (checkout / "instance" / "agentlogger.db").stat().st_ino == made
