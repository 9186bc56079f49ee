"""The commands for accounts, keys and projects."""

from __future__ import annotations

import pytest

from agentlogger.app import create_app
from agentlogger.store import keys as key_store
from agentlogger.store.scope import OperatorScope
from agentlogger.terminal.keys import keys
from agentlogger.terminal.projects import projects
from agentlogger.terminal.users import users
from tests.conftest import settings_for

LOOKING = OperatorScope("a test looks at what a command did")
PASSWORD = {"AGENTLOGGER_PASSWORD": "long enough to be one"}


@pytest.fixture
def run(app):
    """A function that runs a command of a group and returns its outcome."""
    runner = app.test_cli_runner()
    return lambda group, *words, **options: runner.invoke(group, words, **options)


def test_an_account_is_made_and_listed(run):
    made = run(users, "create", "--admin", "--name", "Alice", "Alice@Example.org", env=PASSWORD)

    assert made.exit_code == 0, made.output
    assert "From now on every request needs a key" in made.output
    listed = run(users, "list").output.split()
    assert listed == ["alice@example.org", "Alice", "admin", "active"]


def test_without_a_terminal_nobody_is_asked_for_a_password(run):
    outcome = run(users, "create", "bob@example.org", input="")

    assert outcome.exit_code == 2
    assert "--password-stdin" in outcome.output


def test_a_password_is_asked_for_twice_and_never_shown(run, monkeypatch):
    monkeypatch.setattr("agentlogger.terminal.users._is_terminal", lambda: True)
    typed = "a long enough password\n" * 2

    made = run(users, "create", "bob@example.org", input=typed)

    assert made.exit_code == 0, made.output
    assert "a long enough password" not in made.output


def test_a_password_may_come_from_a_script(run):
    made = run(users, "create", "--password-stdin", "bob@example.org", input="from a script 1\n")

    assert made.exit_code == 0, made.output


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (["bob"], PASSWORD, "no email address"),
        (["bob@example.org"], {"AGENTLOGGER_PASSWORD": "short"}, "at least 10 characters"),
    ],
)
def test_a_mistake_in_an_account_is_a_sentence(run, words, env, said):
    outcome = run(users, "create", *words, env=env)

    assert outcome.exit_code != 0
    assert said in outcome.output


def test_an_email_is_taken_once(run):
    run(users, "create", "bob@example.org", env=PASSWORD)

    again = run(users, "create", "BOB@example.org", env=PASSWORD)

    assert again.exit_code == 1
    assert again.output == "Error: An account with the email BOB@example.org exists already.\n"


def test_a_key_is_shown_once_and_listed_by_its_beginning(run, client):
    made = run(keys, "create", "--name", "laptop", "--scope", "ingest", "--expires", "90d")
    key = made.stdout.strip()

    listed = run(keys, "list").output

    assert made.exit_code == 0, made.output
    assert len(key) == 41
    assert key not in listed
    assert key[:11] in listed
    assert "laptop" in listed
    assert "valid until" in listed
    answer = client.post("/api/v1/logs", json={}, headers={"X-API-Key": key})
    assert answer.status_code == 200


def test_a_revoked_key_is_listed_as_revoked(run, client):
    key = run(keys, "create").stdout.strip()

    assert run(keys, "revoke", key[:11]).exit_code == 0

    assert "revoked" in run(keys, "list").output
    assert client.get("/api/v1/logs", headers={"X-API-Key": key}).status_code == 401


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--project", "nowhere"], "No project is named 'nowhere'"),
        (["create", "--expires", "soon"], "a number of days"),
        (["create", "--scope", "everything"], "is not one of"),
        (["revoke", "alog_"], "at least the 11 characters"),
        (["revoke", "alog_123456"], "No valid key begins with alog_123456"),
    ],
)
def test_a_mistake_about_a_key_is_a_sentence(app, run, words, said):
    outcome = run(keys, *words)

    assert outcome.exit_code != 0
    assert said in outcome.output
    with app.app_context():
        assert key_store.all_of(LOOKING) == []


def test_a_project_is_made_once_and_listed(run):
    assert run(projects, "create", "shop").exit_code == 0

    again = run(projects, "create", "shop")

    assert again.exit_code == 1
    assert "exists already" in again.output
    assert [line.split("\t")[0] for line in run(projects, "list").output.splitlines()] == [
        "default",
        "shop",
    ]


def test_commands_on_a_database_that_was_not_migrated_say_so(empty_database_url, tmp_path):
    runner = create_app(settings_for(empty_database_url, tmp_path)).test_cli_runner()

    outcome = runner.invoke(users, ["list"])

    assert outcome.exit_code == 1
    assert "flask db upgrade" in outcome.output
