"""Folders of revisions to read, to seal and to keep in git; no database knows of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from agentlogger.migrate.causes import Unsealed
from agentlogger.migrate.revisions.folder import load
from agentlogger.migrate.revisions.seals import check, seal, verify

TEMPLATE = """revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
"""


GIT = [
    "git", "-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "core.fsync=none",
]  # fmt: skip


class Folder:
    """A folder of revisions, as Alembic finds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = folder / "versions"
        self.versions.mkdir(parents=True)

    def add(self, revision: str, parents=None, depends_on=None, **others) -> Path:
        """Write a revision's file."""
        path = self.versions / others.get("file", f"{revision}_do_{revision}.py")
        # Python takes a file of the same second and size for the one that it has compiled.
        shutil.rmtree(self.versions / "__pycache__", ignore_errors=True)
        path.write_text(
            f'"""add {revision}"""\n'
            f"revision = {revision!r}\ndown_revision = {parents!r}\n"
            f"depends_on = {depends_on!r}\nbranch_labels = {others.get('labels')!r}\n"
        )
        return path

    def order(self) -> list[str]:
        """The ids of the revisions, as they are loaded."""
        return [one.revision for one in self.load()]

    def load(self):
        """The revisions of the folder."""
        return load(ScriptDirectory(str(self.folder)))


class Sealed(Folder):
    """A folder of revisions with `migrations.sum`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sum = folder / "migrations.sum"
        (folder / "script.py.mako").write_text(TEMPLATE)
        (folder / "env.py").touch()

    def seal(self) -> list[str]:
        """Seal the revisions as they are."""
        return seal(self.folder, self.load())

    def found(self) -> list[tuple[str, str]]:
        """What `verify` finds: kinds and revisions."""
        return [(one.kind, one.revision) for one in verify(self.folder, self.load())]

    def refusal(self) -> str:
        """What `check` says."""
        with pytest.raises(Unsealed) as refused:
            check(self.folder, self.load())
        return str(refused.value)

    def lines(self) -> list[str]:
        """The lines for revisions."""
        return [one for one in self.sum.read_text().splitlines() if not one.startswith("#")]

    def sealed(self) -> list[str]:
        """The revisions of the lines."""
        return [line.split()[2] for line in self.lines()]

    def edit(self, revision: str) -> None:
        """Change a revision's file."""
        (path,) = self.versions.glob(f"{revision}_*.py")
        path.write_text(path.read_text() + "# edited\n")

    def generate(self, revision: str, parent) -> None:
        """Have Alembic write a revision, with the hook."""
        hooks = [{"_hook_name": "seal", "type": "seal"}]
        script = ScriptDirectory(str(self.folder), hooks=hooks)
        script.generate_revision(revision, f"do {revision}", head=parent, splice=True)


def three_sealed(folder: Path) -> Sealed:
    """Revisions a, c and b, in this order, and their `migrations.sum`."""
    sealed = Sealed(folder)
    sealed.add("a")
    sealed.add("c", "a")
    sealed.add("b", "c")
    sealed.seal()
    return sealed


def git(*words: str) -> str:
    """Run git, without the settings of who runs the tests; return what it prints."""
    return try_git(*words, check=True).stdout


def try_git(*words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    """Run git, which may refuse."""
    # Without what names the repository of a hook that the tests may run in.
    outside = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment = outside | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        [*GIT, *words], env=environment, capture_output=True, text=True, check=check, timeout=60
    )


def begin_repository() -> None:
    """Keep what is in the working directory in git, on `main`."""
    git("init", "-q", "-b", "main", "--template=")
    Path(".gitignore").write_text("__pycache__/\n")
    commit("begin")


def commit(message: str) -> None:
    """Keep everything as it is now."""
    git("add", ".")
    git("commit", "-q", "-m", message)
