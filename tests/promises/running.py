"""Migrations that run while a test does something else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL

from tests.migrations.checkout import BIN, DOORS, Checkout

OURS = ("AGENTLOGGER_", "DATABASE_URL", "SECRET_KEY", "FLASK_", "MIGRATE_")
"""Settings of the person who runs the tests, which are about another database."""

END_SECONDS = 120


def start(checkout: Checkout, door: str, *words: str, url: URL | None = None) -> subprocess.Popen:
    """Start a migration command in the copy; `url` stands in for the copy's own database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = kept | {
        "PYTHONPATH": str(checkout.folder),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "DATABASE_URL": written(url) if url is not None else checkout.url,
        "AGENTLOGGER_INSTANCE": str(checkout.folder / "instance"),
    }
    return subprocess.Popen(
        [*DOORS[door], *words],
        cwd=checkout.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """How a started command ended, and all that it printed."""
    out, err = process.communicate(timeout=END_SECONDS)
    return process.returncode, out + err


def on(checkout: Checkout, url: URL) -> Checkout:
    """The same copy, on another database."""
    other = object.__new__(Checkout)
    other.folder, other.url = Path(checkout.folder), written(url)
    return other


def written(url: URL) -> str:
    """A database's address as people write it."""
    return url.render_as_string(hide_password=False)
