"""A data folder: making it, its settings, and what a running server wrote about itself in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.postgresql.account import Account, run_as
from tests.postgresql.binaries import Binaries, major_version

SETTINGS_FILE = "agentlogger.conf"

EVERY_SERVER: Mapping[str, str] = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "128MB",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] %q%u@%d ",
    }
)
FAST_AND_FORGETFUL: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)
"""For data that nobody misses after a power cut."""


class ServerFailed(RuntimeError):  # noqa: N818  # Named like the sentence it carries.
    """A server was not made or did not start; the message ends with what it said last."""


@dataclass(frozen=True)
class Postmaster:
    """What a server tells about itself in `postmaster.pid`; stale when it was killed."""

    pid: int
    port: int
    socket_folder: Path
    ready: bool


def make_cluster(data: Path, *, binaries: Binaries, account: Account | None, durable: bool) -> None:
    """Make the data folder, unless it is there; one that is there was made completely."""
    if data.exists():
        _require_same_version(data, binaries)
        return
    incomplete = data.with_name(f"{data.name}.incomplete")
    shutil.rmtree(incomplete, ignore_errors=True)
    command = [
        str(binaries.folder / "initdb"),
        f"--pgdata={incomplete}",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C",
        "--auth=trust",
        "--no-instructions",
    ]
    made = run_as(account, command if durable else [*command, "--no-sync"])
    if made.returncode:
        raise ServerFailed(f"initdb failed with status {made.returncode}:\n{made.stdout}")
    with (incomplete / "postgresql.conf").open("a") as configuration:
        configuration.write(f"\ninclude_if_exists = '{SETTINGS_FILE}'\n")
    incomplete.rename(data)


def write_settings(data: Path, settings: Mapping[str, str], account: Account | None) -> None:
    """Replace the settings that we give the server; they hold from its next start on."""
    file = data / SETTINGS_FILE
    lines = (f"{name} = {_quoted(value)}\n" for name, value in settings.items())
    file.write_text("".join(lines))
    if account:
        account.own(file)


def configured_port(data: Path) -> int | None:
    """Return the port of the last start, so that addresses in people's shells stay true."""
    try:
        found = re.search(r"^port = '(\d+)'$", (data / SETTINGS_FILE).read_text(), re.MULTILINE)
    except FileNotFoundError:
        return None
    return int(found[1]) if found else None


def read_postmaster(data: Path) -> Postmaster | None:
    """Return what the data folder's server wrote; None without one, or before it wrote all."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, _data, _started, port, socket_folder, _address, _memory, status = lines
        return Postmaster(int(pid), int(port), Path(socket_folder), status.strip() == "ready")
    except (FileNotFoundError, ValueError):
        return None


def _require_same_version(data: Path, binaries: Binaries) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    found = major_version(binaries.folder)
    if made_by != str(found):
        raise ServerFailed(
            f"PostgreSQL {made_by} made {data}; the one found, in {binaries.folder}, is {found}"
            f" and cannot read it: install {made_by}, or remove {data} to begin anew."
        )


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
