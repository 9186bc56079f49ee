"""The programs of a PostgreSQL client that read a live database and write its copy."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentlogger.migrate.causes import NoCopy

SETTING = "MIGRATE_POSTGRESQL_CLIENT"
"""A folder with pg_dump and pg_restore, looked at before all others."""

FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
"""Where Debian, Red Hat, Homebrew and Postgres.app keep them, off PATH."""

SECONDS = 30


@dataclass(frozen=True)
class Client:
    """A pair of programs of one version."""

    dump: Path
    restore: Path
    major: int


def find(server: int, named: str | None) -> Client:
    """The pair whose version is nearest to the server's, and not older. Raises NoCopy.

    A newer pg_dump may write a setting that an older server refuses, so the same version is best.
    """
    found = list(_all(named))
    fitting = sorted((one for one in found if one.major >= server), key=lambda one: one.major)
    if fitting:
        return fitting[0]
    there = ", ".join(str(one) for one in sorted({one.major for one in found}))
    seen = f"found was only version {there}" if there else "none was found"
    raise NoCopy(
        f"The database is in use, so it can only be copied by pg_dump, of version {server} or "
        f"newer ({seen}): `apt-get install postgresql-client-{server}`, name the folder of another "
        f"by {SETTING}, or stop what uses the database and it is cloned by the server."
    )


def _all(named: str | None) -> Iterator[Client]:
    places = [Path(named)] if named else []
    on_path = shutil.which("pg_dump")
    if on_path:
        places.append(Path(on_path).parent)
    for pattern in FOLDERS:
        places += sorted(Path("/").glob(pattern.removeprefix("/")))
    for place in dict.fromkeys(places):
        dump, restore = place / "pg_dump", place / "pg_restore"
        if dump.exists() and restore.exists():
            major = _major(dump)
            if major is not None:
                yield Client(dump, restore, major)


def _major(program: Path) -> int | None:
    try:
        told = subprocess.run(  # noqa: S603  (found in folders of the operator's)
            [program, "--version"], capture_output=True, check=True, text=True, timeout=SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\(PostgreSQL\) (\d+)", told)
    return int(number[1]) if number else None
