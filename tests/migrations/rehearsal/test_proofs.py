"""Proofs: written for what is as declared, and asked for once there are any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.migrations.project import Project
from tests.migrations.rehearsal.stage import ADD_NOTE, DROP_NOTE, rehearsed


def proof_of(project: Project, revision: str) -> dict[str, Any]:
    """What is in git of it."""
    path = project.folder / "migrations" / "proofs" / f"{revision}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def prove(project: Project) -> None:
    """Have both revisions proved, on the one database."""
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)
    rehearsed(project, "--all", "--prove")
    assert project.door("flask db", "seal").code == 0


@pytest.mark.promise
def test_a_proof_tells_of_the_file_the_schema_and_the_rows(project):
    outcome_of = project.url.get_backend_name()
    prove(project)

    proof = proof_of(project, "bbb222")
    (told,) = proof["proofs"].values()

    assert (proof["revision"], list(proof["proofs"])) == ("bbb222", [outcome_of])
    assert told["verdict"] == "reversible"
    assert told["rows"]["parts"] == dict.fromkeys(
        ("before", "after", "after_down", "after_second_up"), 3
    )
    assert told["up"]["statements"][0]["sql"].startswith("ALTER TABLE parts ADD COLUMN note")
    assert told["fingerprints"]["before"] != told["fingerprints"]["after"]


@pytest.mark.promise
def test_the_line_for_git_is_printed(project):
    project.add("bbb222", "aaa111", ADD_NOTE, DROP_NOTE)

    outcome = project.door("flask db", "rehearse", "--prove", "--report", "report.html")

    assert "git add migrations/proofs" in outcome.out


@pytest.mark.promise
def test_nothing_is_proved_that_is_not_as_declared(project):
    project.add("bbb222", "aaa111", ADD_NOTE, "pass")

    rehearsed(project, "--prove", code=37)

    assert not (project.folder / "migrations" / "proofs" / "bbb222.json").exists()


@pytest.mark.promise
def test_the_proof_of_the_other_database_stays(project):
    prove(project)
    path = project.folder / "migrations" / "proofs" / "bbb222.json"
    told = json.loads(path.read_text())
    told["proofs"]["another"] = {"sha256": "of another"}
    path.write_text(json.dumps(told))

    rehearsed(project, "--prove")

    assert proof_of(project, "bbb222")["proofs"]["another"] == {"sha256": "of another"}


def test_verify_asks_for_no_proofs_where_there_are_none(project):
    assert project.door("flask db", "seal").code == 0

    assert project.door("flask db", "verify").code == 0


def test_verify_finds_a_revision_without_a_proof(project):
    prove(project)
    assert project.door("flask db", "verify").code == 0
    project.add("ccc333", "bbb222", "pass", "pass")
    assert project.door("flask db", "seal").code == 0

    outcome = project.door("flask db", "verify")

    assert outcome.code == 37
    assert "revision ccc333 (migrations/versions/ccc333.py) was not rehearsed" in outcome.err
    assert "flask db rehearse" in outcome.err


@pytest.mark.promise
def test_verify_finds_a_revision_that_was_edited_since(project):
    prove(project)
    path = project.versions / "bbb222.py"
    path.write_text(path.read_text().replace("do what", "do more than"))
    assert project.door("flask db", "seal").code == 0

    outcome = project.door("flask db", "verify")

    assert outcome.code == 37
    assert "bbb222.py) was edited since it was rehearsed" in outcome.err


@pytest.mark.promise
def test_verify_asks_each_revision_for_both_databases_where_one_has_both(project):
    prove(project)
    path = project.folder / "migrations" / "proofs" / "bbb222.json"
    told = json.loads(path.read_text())
    (mine,) = told["proofs"].values()
    told["proofs"]["another"] = mine
    path.write_text(json.dumps(told))

    outcome = project.door("flask db", "verify")

    assert outcome.code == 37
    assert "aaa111.py) was not rehearsed on another" in outcome.err
    assert "bbb222" not in outcome.err.replace(str(Path.cwd()), "")


@pytest.mark.promise
def test_a_proof_that_cannot_be_read_and_one_of_no_revision_are_told(project):
    prove(project)
    folder = project.folder / "migrations" / "proofs"
    (folder / "bbb222.json").write_text("{")
    (folder / "zzz999.json").write_text(json.dumps({"proofs": {}}))

    outcome = project.door("flask db", "verify")

    assert outcome.code == 37
    assert "migrations/proofs/bbb222.json cannot be read" in outcome.err
    assert "migrations/proofs/zzz999.json is of no revision" in outcome.err
