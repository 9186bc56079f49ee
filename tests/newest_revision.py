"""The newest revision of this tree, for tests that do not care which one it is."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

FOLDER = Path(__file__).resolve().parents[1] / "migrations"

_scripts = ScriptDirectory(str(FOLDER))
(HEAD,) = _scripts.get_heads()
MESSAGE = _scripts.get_revision(HEAD).doc
_backwards = [one.revision for one in _scripts.walk_revisions()]
BEFORE_HEAD, TWO_BEFORE_HEAD = _backwards[1:3]
COUNT = len(_backwards)


def revisions_after(revision: str) -> int:
    """How many revisions of this tree come after one of them; `base` is before the first."""
    found = ScriptDirectory(str(FOLDER)).iterate_revisions("head", revision)
    return sum(1 for _ in found)
