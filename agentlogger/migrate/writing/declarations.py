"""What each new file declares of itself: the template asks by the revision's id."""

from __future__ import annotations

from typing import Any


class Declarations:
    """What the files of one run declare.

    Alembic gives all scripts of a run the same arguments for their template, so the template gets
    this and looks up its own. A revision that is not known, such as a merge, is one to be read:
    an expand that can be taken back.
    """

    def __init__(self, release: str) -> None:
        self._release = release
        self._known: dict[str, dict[str, Any]] = {}

    def declare(
        self, revision: str, *, phase: str, reversible: str, needs_backfills: tuple[str, ...] = ()
    ) -> None:
        """Set what the file of this revision declares."""
        told: dict[str, Any] = {
            "phase": phase,
            "reversible": reversible,
            "release": self._release,
        }
        if needs_backfills:
            told["needs_backfills"] = needs_backfills
        self._known[revision] = told

    def __call__(self, revision: str) -> dict[str, Any]:
        """Name and value of each declaration, in the order in which the file has them."""
        if revision not in self._known:
            self.declare(revision, phase="expand", reversible="yes")
        return self._known[revision]
