"""The state of a database is told while it is migrated too, and waits for nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from agentlogger.migrate.ledger import history
from agentlogger.migrate.run.running import Run
from tests.migrations.project import PARTS, Project, emptied

LOOKS = "from tests.migrations.test_status import look\nlook()"

looking: list[Project] = []
seen: list[dict] = []


def look() -> None:
    """What a revision here calls while it is applied."""
    seen.append(status(looking[-1]))


def status(project: Project) -> dict:
    """What `flask db status --json` says."""
    outcome = project.door("flask db", "status", "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A history of one revision, which is applied."""
    seen.clear()
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS)
        made.upgrade("head")
        looking.append(made)
        yield made
        looking.pop()


def test_what_is_being_applied_is_running_and_not_interrupted(project):
    project.add("bbb222", "aaa111", LOOKS)

    project.upgrade("head")

    (during,) = seen
    assert (during["running"]["revision"], during["running"]["direction"]) == ("bbb222", "up")
    assert (during["interrupted"], during["place"], during["lock"] is None) == ([], "behind", False)
    after = status(project)
    assert (after["running"], after["interrupted"], after["lock"]) == (None, [], None)


def test_what_was_killed_before_is_interrupted_while_another_is_running(project, monkeypatch):
    project.add("bbb222", "aaa111", "raise SystemExit(9)")
    with monkeypatch.context() as patch:
        # Who was killed does not tidy up.
        patch.setattr(Run, "_forget", lambda _run: None)
        with pytest.raises(SystemExit):
            project.upgrade("head")
    killed = status(project)
    assert killed["running"] is None
    assert [one["revision"] for one in killed["interrupted"]] == ["bbb222"]
    # Two seconds ago: further apart than the clocks of a migrator and its database.
    project.run("UPDATE migration_history SET begun_ns = begun_ns - 2000000000")
    # The lock is taken, and nothing of the new run is in the history yet.
    begin = history.begin

    def look_first(*arguments, **options) -> int:
        look()
        return begin(*arguments, **options)

    monkeypatch.setattr(history, "begin", look_first)
    project.add("bbb222", "aaa111")

    project.upgrade("head")

    (during,) = seen
    assert during["running"] is None
    assert [one["revision"] for one in during["interrupted"]] == ["bbb222"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_snapshot_that_goes_while_they_are_listed_is_no_fault(project, monkeypatch):
    """On SQLite only: PostgreSQL has none."""
    project.add("bbb222", "aaa111")
    project.upgrade("head")
    kept = status(project)["snapshots"]
    gone = project.folder / "gone"
    monkeypatch.setattr("agentlogger.migrate.sqlite.snapshots.snapshots", lambda _url: [gone])

    assert len(kept) == 1
    assert status(project)["snapshots"] == []
