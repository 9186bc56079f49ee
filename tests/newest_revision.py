"""The newest revision of this tree, for tests that do not care which one it is."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

FOLDER = Path(__file__).resolve().parents[1] / "migrations"

(HEAD,) = ScriptDirectory(str(FOLDER)).get_heads()
