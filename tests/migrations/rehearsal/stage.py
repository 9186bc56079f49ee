"""A project with rows in it, and a rehearsal of it as JSON has it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.migrations.histories import catalogue
from tests.migrations.project import Project

PARTS = (
    'op.create_table("parts", sa.Column("id", sa.Integer(), primary_key=True),'
    ' sa.Column("name", sa.Text(), nullable=False), sa.Column("size", sa.Integer()))'
)
ADD_NOTE = 'op.add_column("parts", sa.Column("note", sa.Text()))'
DROP_NOTE = 'op.drop_column("parts", "note")'


def fill(project: Project) -> None:
    """Three parts, one of which has no size."""
    project.add(
        "aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts",
        reversible="loses data",
    )  # fmt: skip
    project.upgrade("head")
    project.run("INSERT INTO parts VALUES (1, 'bolt', 5), (2, 'nut', 7), (3, 'washer', NULL)")


def rehearsed(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    """A rehearsal as JSON has it, its report in the project's own folder."""
    report = str(project.folder / "report.html")
    outcome = project.door("flask db", "rehearse", "--json", "--report", report, *words)
    assert outcome.code == code, outcome.err or outcome.out
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def only(found: dict[str, Any]) -> dict[str, Any]:
    """The one revision of a rehearsal."""
    (revision,) = found["revisions"]
    return dict(revision)


def state(project: Project) -> Any:
    """All that a rehearsal must leave as it is."""
    if project.url.get_backend_name() == "sqlite":
        path = Path(str(project.url.database))
        return hashlib.sha256(path.read_bytes()).hexdigest()
    counted = project.rows(
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"
    )
    return catalogue(project.url), project.rows("SELECT * FROM parts ORDER BY id"), counted


def copies(project: Project) -> list[str]:
    """The copies that there are."""
    if project.url.get_backend_name() == "sqlite":
        path = Path(str(project.url.database))
        return sorted(one.name for one in path.parent.glob(f"{path.name}.rehears*"))
    names: list[str] = project.rows(
        "SELECT datname FROM pg_database WHERE datname LIKE 'migration_rehears%'"
    )
    return names
