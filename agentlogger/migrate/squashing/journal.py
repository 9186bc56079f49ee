"""The files of a squash, all or none: what is to be done is written down first, then done.

A kill before the journal is whole has changed nothing. After it, the folder is neither the old nor
the new one, and every command says so; the next `flask db squash` does what the journal says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from alembic.script import ScriptDirectory

from agentlogger.migrate.causes import Unsealed
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.folder import JOURNAL, load, shown


def write(folder: Path, files: Mapping[str, str], gone: Sequence[str]) -> None:
    """Write these files and remove those, all relative to the folder, and seal what is left.

    Raises Unsealed where the folder cannot be written.
    """
    told = json.dumps({"files": dict(files), "gone": list(gone)}, indent=1)
    try:
        _replace(folder / JOURNAL, told)
        finish(folder)
    except OSError as fault:
        raise Unsealed(
            f"{shown(folder)} cannot be written ({fault.strerror}): give this user the right to "
            "write it, then run `flask db squash` again, which begins anew or finishes."
        ) from fault


def finish(folder: Path) -> list[str]:
    """Do what the journal says, from wherever it was left; return the files that are new."""
    told = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    for name, text in told["files"].items():
        _replace(folder / name, text)
    for name in told["gone"]:
        (folder / name).unlink(missing_ok=True)
    is_deep = any(Path(name).parent != Path("versions") for name in told["files"])
    script = ScriptDirectory(str(folder), recursive_version_locations=is_deep)
    seals.seal(folder, load(script, finishing=True))
    (folder / JOURNAL).unlink()
    _settle(folder)
    return list(told["files"])


def _replace(path: Path, text: str) -> None:
    """Put a whole file in place, on the disk, or leave what is there."""
    # Always this name: what a kill leaves is overwritten by who finishes.
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
