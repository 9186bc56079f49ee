"""Which revisions `flask db lint` judges. On SQLite alone, but where a test says otherwise."""

from __future__ import annotations

import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from agentlogger.migrate.linting.finding import Report
from tests.migrations.linting.judged import BOTH, SQLITE, linted
from tests.migrations.test_plan import scratches

command = import_module("agentlogger.migrate.commands.lint")
"""The module, whose command has the same name."""


@pytest.fixture
def history(project):
    """Three revisions, behind one that makes the tables."""
    project.add("aaa111", "base00")
    project.add("bbb222", "aaa111")
    project.add("ccc333", "bbb222")
    return project


@pytest.fixture
def chosen(monkeypatch) -> list[str]:
    """What the linter would be given, which has nothing to do then."""
    found: list[str] = []

    def note(task, revisions, _budgets):
        found.extend(one.revision for one in revisions)
        return Report(task.url.get_backend_name(), "", {}, (), "", ())

    monkeypatch.setattr(command, "judged", note)
    return found


def judged(project, *words: str) -> list[str]:
    return [one["revision"] for one in linted(project, *words)["revisions"]]


def git(project, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(project.folder), *identity, *words], check=True, timeout=30)


@BOTH
def test_what_is_pending_is_judged_and_the_database_left_as_it_is(history):
    history.upgrade("aaa111")
    history.run("INSERT INTO agents (id, name) VALUES (1, 'a')")

    assert judged(history) == ["bbb222", "ccc333"]

    assert history.heads() == "aaa111"
    assert history.rows("SELECT id, name FROM agents") == [(1, "a")]
    assert history.rows("SELECT count(*) FROM logs") == [0]
    assert scratches(history) == []


@SQLITE
def test_that_nothing_is_pending_is_said(history):
    history.upgrade("head")

    outcome = history.door("flask db", "lint")

    assert outcome.code == 0
    assert outcome.out.startswith("No revision is to be judged. `flask db lint --all` judges")


@SQLITE
def test_without_a_database_it_is_said_how_to_go_on(history):
    outcome = history.door("flask db", "lint")

    assert outcome.code == 30
    assert "`flask db lint --all`" in outcome.err


@SQLITE
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--all"], ["base00", "aaa111", "bbb222", "ccc333"]),
        (["bbb222"], ["bbb222"]),
        (["bbb"], ["bbb222"]),
        (["head"], ["ccc333"]),
        (["aaa111:ccc333"], ["bbb222", "ccc333"]),
        ([":aaa111"], ["base00", "aaa111"]),
        (["base:aaa111"], ["base00", "aaa111"]),
        (["bbb222:"], ["ccc333"]),
        (["--since", "aaa111"], ["bbb222", "ccc333"]),
    ],
)
def test_others_can_be_named(history, chosen, words, expected):
    """Of the database nothing is read for that, so it need not be there."""
    outcome = history.door("flask db", "lint", *words)

    assert (outcome.code, chosen) == (0, expected), outcome.err
    assert not Path(history.url.database).exists()


@SQLITE
def test_what_a_branch_brings_is_asked_of_git(history, chosen):
    git(history, "init", "-q", "-b", "main")
    git(history, "add", ".")
    git(history, "commit", "-q", "-m", "as it was")
    git(history, "checkout", "-q", "-b", "branch")
    history.add("ddd444", "ccc333")
    git(history, "add", ".")
    git(history, "commit", "-q", "-m", "another")
    history.add("eee555", "ddd444")
    history.add("bbb222", "aaa111", message="do it otherwise")

    assert history.door("flask db", "lint", "--since", "main").code == 0
    assert chosen == ["bbb222", "ddd444", "eee555"]


@SQLITE
@pytest.mark.parametrize("word", ["nowhere", "--output=x"])
def test_what_is_neither_a_revision_nor_a_commit_is_said(history, word):
    git(history, "init", "-q")

    outcome = history.door("flask db", "lint", f"--since={word}")

    assert outcome.code == 15
    assert "neither a revision" in outcome.err


@SQLITE
def test_a_revision_that_is_not_there_is_said(history):
    outcome = history.door("flask db", "lint", "nowhere")

    assert outcome.code == 15
    assert "flask db history" in outcome.err


@SQLITE
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--all", "bbb222"], "and not several"),
        (["--all", "--on", "no url"], "no URL"),
        (["--all", "--on", "mysql://x/y"], "mysql"),
    ],
)
def test_what_cannot_be_meant_is_refused(history, words, said):
    outcome = history.door("flask db", "lint", *words)

    assert outcome.code == 33
    assert said in outcome.err


@SQLITE
def test_branches_that_were_merged_are_judged_in_order(history):
    history.add("bbb333", "aaa111", 'op.execute("UPDATE agents SET name = name WHERE id < 0")')
    history.add("merged", ("ccc333", "bbb333"))

    found = judged(history, "--all")

    assert set(found) == {"base00", "aaa111", "bbb222", "bbb333", "ccc333", "merged"}
    assert found[-1] == "merged"
