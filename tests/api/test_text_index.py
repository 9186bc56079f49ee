"""A search for words says how far their index is behind, and finds the same all along."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agentlogger.blueprints import text_index
from agentlogger.terminal.text_index import text_index as commands
from tests.store import building


@pytest.fixture
def app(app, monkeypatch, database_url, tmp_path):
    """An application whose index has a window for each record, and which says when it is behind."""
    monkeypatch.setenv("DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("AGENTLOGGER_INSTANCE", str(tmp_path))
    building.small(monkeypatch)
    monkeypatch.setattr(text_index, "NOTED_RECORDS", 1)
    return app


def search(client, **asked) -> dict:
    found = client.get("/api/v1/logs", query_string=asked).json
    return found["text_index"] | {"found": len(found["items"])}


def test_the_lag_is_told_beside_what_is_found_and_an_index_is_built_anew(client, app):
    def index() -> None:
        with app.app_context():
            building.everything()

    def run(*words: str) -> str:
        outcome = CliRunner().invoke(commands, words)
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    client.post("/api/v1/logs", json=[{"message": "alpha"}, {"message": "bravo"}])
    assert search(client, q="alpha") == {
        "begun": False,
        "records_behind": 0,
        "seconds_behind": 0.0,
        "before": None,
        "note": "There is no index of words yet, so every record was looked at.",
        "found": 1,
    }
    assert "no index of words yet" in client.get("/?q=alpha").text

    index()
    assert search(client, q="alpha")["note"] is None
    client.post("/api/v1/logs", json={"message": "alpha again"})
    behind = search(client, q="alpha")
    assert (behind["begun"], behind["records_behind"], behind["found"]) == (True, 1, 2)
    assert "does not have 1 records that came lately" in behind["note"]
    assert client.get("/api/v1/logs?severity_min=warn").json["text_index"] is None
    assert client.get("/api/v1/logs?q=tool:Bash").json["text_index"] is None
    assert "default: 2 records indexed, 1 behind" in run("status")

    run("rebuild", "--yes")
    assert "no index yet" in run("status")
    assert search(client, q="alpha")["found"] == 2
    index()
    assert "default: 3 records indexed, 0 behind" in run("status")
    assert search(client, q="alpha")["note"] is None
