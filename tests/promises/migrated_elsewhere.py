"""A plugin for pytest: another program migrates the databases of these tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import agentlogger
from agentlogger.migrate import Migrations
from agentlogger.models.database import db

MIGRATED_BY = "AGENTLOGGER_TEST_MIGRATED_BY"
"""The other program's folder, then the words of its command after `flask db`, a line each."""


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001  (pytest's)
    """Let the other program do what the tests ask their own for."""
    assert Path(str(agentlogger.__file__)).is_relative_to(Path.cwd()), "not the copy's program"
    Migrations.upgrade = upgrade_by_the_other  # type: ignore[method-assign]


def upgrade_by_the_other(migrations: Migrations) -> None:  # noqa: ARG001  (the method's)
    """Run the other program's command on the database of the application at hand."""
    folder, *words = os.environ[MIGRATED_BY].splitlines()
    settings = {
        "PYTHONPATH": folder,
        "DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "AGENTLOGGER_INSTANCE": str(Path(folder) / "instance"),
    }
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("flask")), "db", *words],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
