"""Commands of a project, run as people type them, a process each."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alembic.script import ScriptDirectory

OURS = ("AGENTLOGGER_", "DATABASE_URL", "SECRET_KEY", "FLASK_", "MIGRATE_")
"""Settings of the person who runs a benchmark, which are about another database."""
COMMAND_SECONDS = 3_600


@dataclass(frozen=True)
class Project:
    """A folder to run commands in, and what they are told."""

    folder: Path
    programs: Path
    """Where its commands are."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    words: str
    seconds: float
    code: int
    said: str


def run(project: Project, *words: str, codes: Collection[int] = (0,)) -> Ended:
    """Run a command. Raises RuntimeError with what it said where it ends with another code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    begun = time.monotonic()
    ended = subprocess.run(
        [project.programs / words[0], *words[1:]],
        cwd=project.folder,
        env={**kept, **project.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    seconds = time.monotonic() - begun
    said = ended.stdout + ended.stderr
    if ended.returncode not in codes:
        raise RuntimeError(f"{' '.join(words)} ended with {ended.returncode}:\n{said}")
    return Ended(" ".join(words), seconds, ended.returncode, said)


def revision_of(root: Path) -> str:
    """The newest revision of a tree."""
    head = ScriptDirectory(str(root / "migrations")).get_current_head()
    assert head is not None
    return head
