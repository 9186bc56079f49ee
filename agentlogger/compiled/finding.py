"""Has Python load the machine code in place of the sources that it was made of.

Where there is none for the sources as they are, everything runs as Python, and does the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from agentlogger.compiled import modules

SWITCH = "AGENTLOGGER_COMPILED"
"""Read when the package is imported, before any setting: it counts in the environment alone."""
OFF = {"no", "off", "0", "false"}

COMPILED = "compiled"
PURE = "pure Python"
OUTDATED = "pure Python: the compiled code is of other sources; make compile compiles these"


class Finder(MetaPathFinder):
    """Finds the machine code of modules in a folder."""

    def __init__(self, folder: Path) -> None:
        names = {modules.GROUP, *map(modules.name, modules.compiled())}
        self._places = {
            name: folder / f"{name.replace('.', '/')}{modules.SUFFIX}" for name in names
        }

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (as Python calls it)
        target: ModuleType | None = None,  # noqa: ARG002  (likewise)
    ) -> ModuleSpec | None:
        """Where a module's machine code is; None for one that is not compiled."""
        place = self._places.get(fullname)
        return None if place is None else spec_from_file_location(fullname, place)


def found() -> tuple[Path | None, str]:
    """The folder of machine code to use, or None, and how the program runs in words."""
    if os.environ.get("AGENTLOGGER_COMPILED", "").strip().lower() in OFF:
        return None, PURE
    builds = modules.builds(modules.BUILDS)
    if not builds:
        return None, PURE
    folder = modules.BUILDS / modules.digest()
    return (folder, COMPILED) if folder in builds else (None, OUTDATED)


def use() -> str:
    """Have it loaded from now on, where it is there; return how the program runs, in words."""
    folder, words = found()
    if folder is not None:
        sys.meta_path.insert(0, Finder(folder))
    return words
