"""This project's own history is judged, on both databases, with its hot tables."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from flask_migrate import cli

from agentlogger.app import create_app
from agentlogger.migrate.commands import doors
from tests.conftest import settings_for
from tests.newest_revision import NEWEST

RECENT = 3
"""Revisions that every run judges. What is older was judged so when it came, and is sealed: only a
rule that is new or changed can find anything there, which takes twenty seconds to look for."""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([f"{NEWEST[RECENT]}:{NEWEST[0]}"], id="recent"),
        pytest.param(["--all"], id="all", marks=pytest.mark.promise),
    ],
)
def test_nothing_speaks_against_any_revision_of_ours(tmp_path, empty_database_url, words):
    """Red for a revision that a running service would notice: correct it before it is applied."""
    assert doors is not None
    app = create_app(settings_for(empty_database_url, tmp_path))

    ended = CliRunner().invoke(
        cli.db, ["lint", *words, "--json"], obj=ScriptInfo(create_app=lambda: app)
    )

    assert ended.exit_code == 0, ended.output
    report = json.loads(ended.stdout)
    found = [one for each in report["revisions"] for one in each["findings"]]
    assert [one for one in found if not one["allowed"]] == []
    assert {name for name, one in report["tables"].items() if one["class"] == "hot"} == {
        "arrivals",
        "log_records",
        "model_call_keys",
        "model_calls",
        "receipts",
        "record_identities",
        "request_digests",
    }
    assert all(one["reason"] is None for one in report["tables"].values())
    assert report["tables"]["log_records"]["rows"] == 10_000
