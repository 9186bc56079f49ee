"""What a revision says of itself, in its file: phase, way back, release.

A file that says nothing may break an older program and may be needed by its own, so it is treated
as both: as an expand by the program that has it, and as a contract by those that have not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from alembic.script import Script

PHASES = ("expand", "online", "backfill", "contract")
UNDECLARED = "undeclared"

LOSES_DATA = "loses data"
YES = "yes"


@dataclass(frozen=True)
class Replaced:
    """What a squash has put one revision in the place of; their files are gone."""

    revisions: tuple[str, ...]
    """All of them, in history order, with those that an earlier squash has replaced."""
    heads: tuple[str, ...]
    """A database that is at these has what the new revision makes."""
    release: str | None
    """The release that brought the last of them."""
    rewritten: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The digests of what follows, before and since: its `down_revision` was changed."""


@dataclass(frozen=True)
class Declared:
    """A revision, as its file tells."""

    revision: str
    parents: tuple[str, ...]
    message: str
    phase: str
    reversible: str
    release: str | None
    path: Path
    source: str
    needs_backfills: tuple[str, ...] = ()
    """The backfills that must be finished before it is applied, by name."""
    replaces: Replaced | None = None

    @property
    def sha256(self) -> str:
        """The digest of the file, as `migrations.sum` and the database keep it."""
        return digest(self.source)

    @property
    def is_needed_first(self) -> bool:
        """Whether the program that has it cannot work before it is applied."""
        return self.phase in {"expand", UNDECLARED}

    @property
    def breaks_older(self) -> bool:
        """Whether a program that does not have it cannot work once it is applied."""
        return breaks_older(self.phase)

    @property
    def is_reversible(self) -> bool:
        """Whether its downgrade gives back what was there, or most of it."""
        return self.reversible in {YES, LOSES_DATA, UNDECLARED}


def breaks_older(phase: str) -> bool:
    """Whether a revision of this phase is too much for a program that does not have it."""
    return phase in {"contract", UNDECLARED}


def digest(source: str) -> str:
    """SHA-256 of a revision's text, whatever a checkout has made of its line ends."""
    return hashlib.sha256(source.replace("\r\n", "\n").encode()).hexdigest()


def declared(script: Script) -> Declared:
    """What a revision's file tells of it."""
    path = Path(script.path)
    phase = getattr(script.module, "phase", None)
    reversible = getattr(script.module, "reversible", None)
    if reversible is True:
        reversible = YES
    needed = getattr(script.module, "needs_backfills", ())
    return Declared(
        revision=script.revision,
        # What it depends on must be there as well.
        parents=tuple(script._all_down_revisions),  # noqa: SLF001  (no public reading)
        message=script.doc or "",
        phase=phase if phase in PHASES else UNDECLARED,
        reversible=str(reversible or UNDECLARED),
        release=getattr(script.module, "release", None),
        path=path,
        source=path.read_text(encoding="utf-8"),
        # A single name in brackets, without a comma, is text.
        needs_backfills=(needed,) if isinstance(needed, str) else tuple(needed or ()),
        replaces=_replaced(script.module),
    )


def _replaced(module: ModuleType) -> Replaced | None:
    if not getattr(module, "replaces", None):
        return None
    return Replaced(
        revisions=tuple(module.replaces),
        heads=tuple(getattr(module, "replaced_heads", ())),
        release=getattr(module, "replaced_release", None),
        rewritten=dict(getattr(module, "rewritten", {})),
    )
