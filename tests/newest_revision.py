"""The newest revisions of this tree, for tests that do not care which ones they are."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

FOLDER = Path(__file__).resolve().parents[1] / "migrations"

_scripts = ScriptDirectory(str(FOLDER))
(HEAD,) = _scripts.get_heads()
MESSAGE = _scripts.get_revision(HEAD).doc
NEWEST = [revision.revision for revision in _scripts.walk_revisions()]
"""Every revision, the newest first, each after its parent: this history has no branches."""
BEFORE_HEAD = NEWEST[1]


def revisions_after(revision: str) -> int:
    """How many revisions of this tree come after one of them; `base` is before the first."""
    found = ScriptDirectory(str(FOLDER)).iterate_revisions("head", revision)
    return sum(1 for _ in found)
