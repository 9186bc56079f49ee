"""`agentlogger scrub` redacts what is stored already, and has the database forget it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from agentlogger.app import create_app
from agentlogger.intake.redaction.marks import BEGIN, MARK
from agentlogger.intake.redaction.policy import Policy
from agentlogger.models.database import db
from agentlogger.store import scrubbing
from agentlogger.store.projects import DEFAULT
from agentlogger.store.redaction import choose
from agentlogger.terminal.main import main
from agentlogger.terminal.projects import projects
from tests.conftest import settings_for
from tests.otlp.exchange import stored
from tests.redaction.planted import SHAPES

NATIVE = "/api/v1/logs"


CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 7,
}
"""What makes a record report a call of a model, which keeps the session too."""


@pytest.fixture
def scrub(database_url, tmp_path, monkeypatch):
    """A function that runs the command on the test's database and returns its outcome."""
    monkeypatch.setenv("DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("AGENTLOGGER_INSTANCE", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "a key of the tests")

    def run(*words: str):
        return CliRunner().invoke(main, ["scrub", *words])

    return run


@pytest.fixture
def secrets(app, client) -> list[str]:
    """Secrets that were stored before anybody redacted them: in texts, attributes and columns."""
    chance = random.Random(5)
    made = [(shape, shape.make(chance)) for shape in SHAPES]
    with app.app_context():
        choose(DEFAULT, Policy(off=True))
    records = [
        {
            "message": {"said": [shape.around.format(secret)]},
            "time": f"2026-11-2{number % 7}T10:00:00Z",
            "session_id": f"of {shape.around.format(secret)}",
            "attributes": {
                "error.message": shape.around.format(secret),
                "password": "hunter2",
                **CALL,
            },
            "resource": {"cookie": "abc", "large": 1e16, "one": 1.0},
            "scope": {"name": "s", "version": shape.around.format(secret)},
        }
        for number, (shape, secret) in enumerate(made)
    ]
    assert client.post(NATIVE, json=records).get_json()["accepted"] == len(SHAPES)
    # What was stored and deleted leaves pages behind as well.
    with app.app_context():
        choose(DEFAULT, Policy())
        with db.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM log_records WHERE kind = 'none'")
    return [secret for _, secret in made]


def files_of(database_url) -> bytes:
    """The bytes of a SQLite database: its file, its WAL and whatever stands beside it."""
    path = Path(database_url.database)
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def seen(secret: str, data: bytes | str) -> bool:
    written = json.dumps(secret)[1:-1]
    if isinstance(data, bytes):
        return secret.encode() in data or written.encode() in data
    return secret in data or written in data


@pytest.mark.usefixtures("secrets")
def test_a_dry_run_counts_and_changes_nothing(client, scrub):
    before = stored(client)

    outcome = scrub("--dry-run")

    assert outcome.exit_code == 0, outcome.output
    assert f"{len(SHAPES)} records seen, {len(SHAPES)} would change." in outcome.output
    assert stored(client) == before


def test_what_is_stored_is_redacted_as_it_would_be_today(client, database_url, secrets, scrub):
    before = {item["id"]: item for item in stored(client)}

    outcome = scrub()

    assert outcome.exit_code == 0, outcome.output
    counts = dict(line.split("\t") for line in outcome.output.splitlines() if "\t" in line)
    items = stored(client)
    text = json.dumps(items, ensure_ascii=False)
    assert [secret for secret in secrets if seen(secret, text)] == []
    assert "hunter2" not in text
    calls = client.get("/api/v1/calls?limit=1000").get_json()["items"]
    assert all(MARK.search(call["session_id"]) for call in calls)
    assert len(calls) == len(SHAPES)
    for item in items:
        former = before[item["id"]]
        assert (item["ts_ns"], item["kind"]) == (former["ts_ns"], former["kind"])
        assert json.dumps(item["resource"]["large"]) == json.dumps(former["resource"]["large"])
        assert json.dumps(item["resource"]["one"]) == "1.0"
        assert MARK.search(item["error_message"])
        assert item["error_message"] == item["attributes"]["error.message"]
        assert MARK.search(item["session_id"])
    assert sum(map(int, counts.values())) == sum(
        mark["count"] for item in items for mark in item["adjustments"].values()
    )
    again = scrub()
    assert f"{len(SHAPES)} records seen, 0 changed." in again.output
    assert "still hold" in outcome.output
    if database_url.get_backend_name() == "sqlite":
        data = files_of(database_url)
        assert [secret for secret in secrets if seen(secret, data)] == []
        assert b"hunter2" not in data


def test_on_postgresql_a_rewrite_leaves_nothing_in_the_files_of_the_tables(
    app, database_url, secrets, scrub
):
    outcome = scrub("--rewrite")

    assert outcome.exit_code == 0, outcome.output
    if database_url.get_backend_name() == "postgresql":
        assert "backups" in outcome.output
        with app.app_context(), db.engine.begin() as connection:
            # What is changed is in memory before it is in the files.
            connection.exec_driver_sql("CHECKPOINT")
            folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
            path = connection.exec_driver_sql(
                "SELECT pg_relation_filepath('projects')"
            ).scalar_one()
        files = [each for each in (folder / path).parent.iterdir() if each.is_file()]
        data = b"".join(each.read_bytes() for each in files)
        assert BEGIN.encode() in data
        assert [secret for secret in secrets if seen(secret, data)] == []


def test_a_scrub_that_was_stopped_goes_on_where_it_was(client, secrets, scrub, monkeypatch):
    monkeypatch.setattr(scrubbing, "BATCH", 5)
    once = scrubbing.scrub
    seen_before: list[int] = []

    def stopped_after_three(*given, **told):
        if len(seen_before) == 3:
            seen_before.append(0)
            raise KeyboardInterrupt
        batch = once(*given, **told)
        seen_before.append(batch.seen)
        return batch

    monkeypatch.setattr(scrubbing, "scrub", stopped_after_three)
    outcome = scrub()
    assert outcome.exit_code == 130
    command = outcome.output.split("Go on with: agentlogger scrub ")[1].split()

    outcome = scrub(*command)

    assert outcome.exit_code == 0, outcome.output
    left = len(SHAPES) - sum(seen_before[:3])
    assert f"{left} records seen, {left} changed." in outcome.output
    assert [secret for secret in secrets if seen(secret, json.dumps(stored(client)))] == []


@pytest.mark.usefixtures("secrets")
def test_one_rule_alone_leaves_what_others_would_take(client, scrub):
    outcome = scrub("--rule", "github", "--project", "default")

    assert outcome.exit_code == 0, outcome.output
    rules = {line.split("\t")[0] for line in outcome.output.splitlines() if "\t" in line}
    assert rules == {"redacted.github"}
    assert "hunter2" in json.dumps(stored(client))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--project", "none"], "No project is named 'none'"),
        (["--after", "there"], "--after is what a scrub"),
        (["--rule", "none"], "is not one of"),
    ],
)
def test_a_mistake_is_a_sentence(scrub, words, said):
    outcome = scrub(*words)

    assert outcome.exit_code != 0
    assert said in outcome.output
    assert "Traceback" not in outcome.output


def test_what_a_project_has_redacted_is_shown_and_chosen(app, client):
    run = app.test_cli_runner().invoke

    shown = run(projects, ["redaction", "default"]).output
    chosen = run(
        projects,
        ["redaction", "default", "--without", "github", "--also", "email", "--key", "Badge-Number"],
    )

    assert "github" in shown
    assert "github" not in chosen.output
    assert "email" in chosen.output
    assert "badgenumber" in chosen.output
    assert "within 5 s" in chosen.output
    client.post(NATIVE, json={"message": "bob@example.org", "badge_number": "4711"})
    assert set(stored(client)[0]["adjustments"]) == {"redacted.email", "redacted.key"}
    assert "github" in run(projects, ["redaction", "default", "--default"]).output
    assert run(projects, ["redaction", "none"]).exit_code == 1


def test_another_server_hears_of_a_choice_when_its_own_is_too_old(app, database_url, tmp_path):
    other = create_app(settings_for(database_url, tmp_path))
    with app.app_context():
        choose(DEFAULT, Policy(off=True))

    answer = other.test_client().post(NATIVE, json={"password": "hunter2"})

    assert answer.get_json()["adjusted"] == {}
    with other.app_context():
        db.engine.dispose()
