"""`flask db lint` on PostgreSQL: what a service would notice is found where it stands.

And what is done so that nobody notices is not: there is no false alarm.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.migrations.linting.judged import chained, line_of, of, ours
from tests.migrations.linting.traps import CLEAN, DROPPED, TABLES, TRAPS
from tests.migrations.project import Project, emptied

QUICK_TRAPS = (
    "a foreign key",
    "a shorter varchar",
    "an update of all rows",
    "an index by a string that is built",
    "a column dropped in an expand",
)
"""One for most ways of finding; none stands in another's way."""

QUICK_CLEAN = ("a foreign key", "an index", "a constant default")

promise = pytest.mark.promise

Judged = Mapping[str, tuple[Path, dict[str, Any]]]


@contextmanager
def judged(
    folder: Path, databases: Any, pieces: Mapping[str, tuple[str, str]], *, undo: bool = True
) -> Iterator[Judged]:
    """Revisions of these pieces, judged together: their paths, and what is said of each."""
    with emptied(databases) as url:
        project = Project(folder / "project", url)
        project.migrations.hot_tables = ("logs",)
        project.add("base00", None, TABLES, DROPPED, reversible="loses data")
        paths = chained(project, pieces, undo=undo)
        # What is behind the last piece does not matter.
        last = f"piece{len(pieces) - 1:02}"
        outcome = project.door("flask db", "lint", "--json", f"base00:{last}")
        report = json.loads(outcome.out)
        yield {
            name: (path, of(report, f"piece{place:02}"))
            for place, (name, path) in enumerate(paths.items())
        }


def of_traps(names) -> dict[str, tuple[str, str]]:
    return {name: TRAPS[name][1:] for name in names}


@pytest.fixture(scope="module")
def quick(tmp_path_factory, postgresql_databases) -> Iterator[Judged]:
    """Some traps and some that are none, in one run."""
    pieces = {f"clean: {name}": CLEAN[name] for name in QUICK_CLEAN} | of_traps(QUICK_TRAPS)
    folder = tmp_path_factory.mktemp("quick")
    with judged(folder, postgresql_databases, pieces, undo=False) as found:
        yield found


@pytest.fixture(scope="module")
def every_trap(tmp_path_factory, postgresql_databases) -> Iterator[Judged]:
    with judged(tmp_path_factory.mktemp("traps"), postgresql_databases, of_traps(TRAPS)) as found:
        yield found


@pytest.fixture(scope="module")
def every_clean(tmp_path_factory, postgresql_databases) -> Iterator[Judged]:
    with judged(tmp_path_factory.mktemp("clean"), postgresql_databases, CLEAN) as found:
        yield found


def found_at(path: Path, one: dict[str, Any]) -> set[tuple[str, int]]:
    """The rules that speak against an upgrade as errors, with their lines."""
    assert all(Path(finding["file"]).name == path.name for finding in one["findings"])
    return {(each["rule"], each["line"]) for each in ours(one) if each["level"] == "error"}


@pytest.mark.parametrize("name", QUICK_TRAPS)
def test_a_trap_is_found_in_its_line(quick, name):
    path, one = quick[name]

    assert found_at(path, one) == {(TRAPS[name][0], line_of(path))}


@pytest.mark.parametrize("name", QUICK_CLEAN)
def test_what_nobody_notices_is_clean(quick, name):
    _, one = quick[f"clean: {name}"]

    assert one["findings"] == []
    assert one["verdict"] == "clean"


def test_a_finding_says_what_was_seen(quick):
    """Red when the observer's locks or rows do not reach the judgement."""
    _, one = quick["a foreign key"]
    found = {finding["table"]: finding for finding in ours(one)}

    assert set(found) == {"agents", "logs"}
    assert found["logs"]["class"] == "hot"
    assert found["logs"]["rows"] == 10_000
    assert found["logs"]["lock"] == "SHARE ROW EXCLUSIVE"
    assert "10,000 rows of logs were read under SHARE ROW EXCLUSIVE" in found["logs"]["message"]
    assert "create_foreign_key_online" in found["logs"]["advice"]
    assert found["logs"]["milliseconds_per_million_rows"] > found["logs"]["milliseconds"] > 0


def test_a_verb_leaves_no_strong_lock_while_rows_are_read(quick):
    _, one = quick["clean: a foreign key"]
    validating = [each for each in one["statements"] if "VALIDATE" in each["sql"]]

    assert [each["locks"]["logs"] for each in validating] == ["SHARE UPDATE EXCLUSIVE"]
    assert validating[0]["rows_read"] >= 10_000


@promise
@pytest.mark.parametrize("name", TRAPS)
def test_every_trap_is_found_in_its_line(every_trap, name):
    path, one = every_trap[name]

    assert found_at(path, one) == {(TRAPS[name][0], line_of(path))}


@promise
@pytest.mark.parametrize("name", CLEAN)
def test_everything_that_nobody_notices_is_clean(every_clean, name):
    _, one = every_clean[name]

    assert ours(one) == []
