"""What `flask db lint` says of a project, as JSON has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.migrations.project import Project

POSTGRESQL = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

BOTH = pytest.mark.parametrize(
    "databases",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.promise)],
    indirect=True,
)
"""Always on SQLite; on PostgreSQL, where each run makes two databases, among the promises."""

HERE = "# here"


def linted(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    """The report as JSON has it."""
    outcome = project.door("flask db", "lint", "--json", *words)
    assert outcome.code == code, outcome.err + outcome.out
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def of(report: Mapping[str, Any], revision: str) -> dict[str, Any]:
    """What is said of one revision."""
    (found,) = [one for one in report["revisions"] if one["revision"] == revision]
    return dict(found)


def ours(judged: Mapping[str, Any], direction: str = "upgrade") -> list[dict[str, Any]]:
    """The findings of one direction that are not squawk's."""
    return [
        one
        for one in judged["findings"]
        if one["direction"] == direction and not one["rule"].startswith("squawk")
    ]


def rules(judged: Mapping[str, Any]) -> set[str]:
    """The rules that have found something, squawk's left out."""
    return {one["rule"] for way in ("upgrade", "downgrade") for one in ours(judged, way)}


def line_of(path: Path) -> int:
    """The line that ends with the comment that marks it."""
    (line,) = [
        number
        for number, text in enumerate(path.read_text().splitlines(), start=1)
        if text.endswith(HERE)
    ]
    return line


def chained(
    project: Project, pieces: Mapping[str, tuple[str, str]], *, undo: bool
) -> dict[str, Path]:
    """A revision for each piece, and if `undo` one behind it that takes it back; the paths by name.

    The revision of the first is `piece00`, and so on.
    """
    paths = {}
    last = "base00"
    for place, (name, (up, down)) in enumerate(pieces.items()):
        revision = f"piece{place:02}"
        paths[name] = project.add(revision, last, up, down, message=f"make {name}")
        last = revision
        if undo:
            last = f"undone{place:02}"
            project.add(last, revision, down, reversible="a test's way back", phase="contract")
    return paths
