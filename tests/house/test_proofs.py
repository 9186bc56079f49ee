"""Every revision of this project is proved on both databases, by its present text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from agentlogger.migrate.rehearsal import proofs
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import load

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
REVISIONS = load(ScriptDirectory(str(FOLDER)))


def named(revision: Declared) -> str:
    return revision.revision


def test_the_proofs_are_those_of_the_revisions():
    assert proofs.verify(FOLDER, REVISIONS) == []


@pytest.mark.parametrize("revision", REVISIONS, ids=named)
def test_a_revision_is_proved_on_both_databases(revision):
    told = json.loads(proofs.path_of(FOLDER, revision.revision).read_text())

    assert set(told["proofs"]) == {"postgresql", "sqlite"}
    for proof in told["proofs"].values():
        assert (proof["sha256"], proof["reversible"]) == (revision.sha256, revision.reversible)


@pytest.mark.parametrize("revision", REVISIONS, ids=named)
def test_a_downgrade_gave_the_schema_back(revision):
    told = json.loads(proofs.path_of(FOLDER, revision.revision).read_text())

    for proof in told["proofs"].values():
        prints = proof["fingerprints"]
        assert prints["before"] == prints["after_down"]
        assert prints["after"] == prints["after_second_up"] != prints["before"]
