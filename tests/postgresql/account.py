"""Which account PostgreSQL's programs run under, and what that account must be able to reach.

PostgreSQL refuses to run as root, and in containers root is all there is. So root's servers run
as `nobody`, from folders that `nobody` can enter. For anybody else an account is None, and
nothing here changes anything.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.postgresql.binaries import Binaries

SHORT_TEMPORARY_FOLDER = Path("/tmp")  # noqa: S108  # Only `mkdtemp` makes folders in it.


class OutOfReach(RuntimeError):  # noqa: N818  # It names a state of the machine.
    """A folder is closed to the account that the server runs under."""


@dataclass(frozen=True)
class Account:
    """The account that PostgreSQL's programs run under in place of root."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Hand a file or folder, not what is in it, over to the account."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


def unprivileged_account() -> Account | None:
    """Return `nobody` when the caller is root, and None when the caller may run PostgreSQL."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def clean_environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs: no PG* settings, messages in English.

    A PGDATA or PGPORT of the person who runs the tests is about another server, and on macOS the
    server does not start where the environment leaves the locale open.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def run_as(
    account: Account | None, command: Sequence[str | Path], *, listen: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's short-lived programs and return what it said, if we `listen`."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if listen else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        errors="replace",
        timeout=120,
        cwd="/",  # Our own folder may be closed to the account.
        env=clean_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def require_reach(account: Account | None, folder: Path) -> None:
    """Raise `OutOfReach` when the account cannot enter the folder, naming the folder."""
    if not _can_enter(account, folder):
        raise OutOfReach(
            f"PostgreSQL does not run as root, and {folder} is closed to the account `nobody` that"
            " it runs under instead: open the folder's parents, or name another folder."
        )


def make_temporary_folder(
    account: Account | None, *, short: bool = False, within: Path | None = None
) -> Path:
    """Make an empty folder that the account owns; a short one's path leaves room for a socket.

    A `TMPDIR` that only root can enter is passed over for the system's own temporary folder, and
    so is a long one (macOS has long ones), because a socket's path ends at 103 bytes.
    """
    parents = [within or Path(tempfile.gettempdir()), SHORT_TEMPORARY_FOLDER]
    if short and SHORT_TEMPORARY_FOLDER.is_dir():
        parents.reverse()
    parent = next((parent for parent in parents if _can_enter(account, parent)), parents[0])
    require_reach(account, parent)
    folder = Path(tempfile.mkdtemp(prefix="agentlogger-pg-", dir=parent))
    if account:
        account.own(folder)
    return folder


def reachable_binaries(account: Account | None, binaries: Binaries, *, copy: Path) -> Binaries:
    """Return the binaries, or a copy of them in the folder `copy` when they are out of reach.

    A wheel in a virtual environment below root's home is the usual case.
    """
    if account is None or _can_run(account, binaries):
        return binaries
    shutil.rmtree(copy, ignore_errors=True)
    copied = _copy_binaries(account, binaries, copy)
    if not _can_run(account, copied):
        raise OutOfReach(
            f"The account `nobody` can run PostgreSQL neither in {binaries.folder} nor from a copy"
            f" in {copy}: set TMPDIR to a folder that programs may be started from."
        )
    return copied


def _copy_binaries(account: Account, binaries: Binaries, copy: Path) -> Binaries:
    """Copy the whole installation, because the programs find lib and share relative to bin."""
    prefix = binaries.folder.parent
    package = prefix.parent
    copied_prefix = copy / package.name / prefix.name
    libraries = f"{package.name}.libs"
    places = {
        prefix: copied_prefix,
        # A wheel keeps the libraries it brings along beside its package on Linux, inside on macOS.
        package.parent / libraries: copy / libraries,
        package / ".dylibs": copy / package.name / ".dylibs",
    }
    for original, target in places.items():
        if original.is_dir():
            shutil.copytree(original, target, symlinks=True)
    account.own(copy)
    for folder, folders, files in os.walk(copy):
        for name in (*folders, *files):
            account.own(Path(folder) / name)
    return Binaries(copied_prefix / binaries.folder.name, binaries.origin)


def _can_enter(account: Account | None, folder: Path) -> bool:
    tried = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
    return account is None or run_as(account, tried).returncode == 0


def _can_run(account: Account, binaries: Binaries) -> bool:
    """Try it: modes, parents, mount options and missing libraries all count."""
    try:
        return all(
            run_as(account, [binaries.folder / program, "--version"]).returncode == 0
            for program in ("postgres", "initdb")
        )
    except OSError:
        return False
