"""Two branches that change the history conflict in git, and the way out is short.

No database is asked here: files are compared with a file.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from agentlogger.migrate.revisions.folder import several_heads
from tests.migrations.revision_folders import begin_repository, commit, git, three_sealed, try_git


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Three revisions that are sealed and committed on `main`, where the branches part."""
    monkeypatch.chdir(tmp_path)
    folder = three_sealed(tmp_path / "migrations")
    begin_repository()
    git("branch", "theirs")
    return folder


def merge() -> int:
    """Merge the other branch: the exit code of git."""
    return try_git("merge", "theirs").returncode


def in_conflict() -> list[str]:
    return git("diff", "--name-only", "--diff-filter=U").splitlines()


def append(revision: str):
    def change(folder):
        folder.add(revision, "b")
        folder.seal()

    change.__name__ = f"{revision} at the end"
    return change


def insert(revision: str):
    def change(folder):
        folder.add(revision, "a")
        folder.seal()

    change.__name__ = f"{revision} in the middle"
    return change


def edit(revision: str):
    def change(folder):
        folder.edit(revision)
        folder.seal()

    change.__name__ = f"{revision} edited"
    return change


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (append("d"), append("e")),
        (append("e"), append("d")),
        (append("d"), insert("b0")),
        (insert("b0"), append("d")),
        (insert("zz"), insert("b0")),
        (append("d"), edit("b")),
        (append("d"), edit("a")),
        (edit("a"), edit("b")),
    ],
    ids=lambda change: change.__name__,
)
def test_two_branches_that_change_the_history_conflict_in_git(repository, mine, theirs):
    mine(repository)
    commit("mine")
    git("checkout", "-q", "theirs")
    theirs(repository)
    commit("theirs")
    git("checkout", "-q", "main")

    assert merge() != 0
    assert in_conflict() == ["migrations/migrations.sum"]


def test_a_branch_that_leaves_the_history_alone_is_merged(repository):
    append("d")(repository)
    commit("mine")
    git("checkout", "-q", "theirs")
    Path("readme").touch()
    commit("theirs")
    git("checkout", "-q", "main")

    assert merge() == 0
    assert repository.found() == []


@pytest.fixture
def conflict(repository):
    """Two branches that each added a revision, merged by git as far as it could."""
    append("d")(repository)
    commit("mine")
    git("checkout", "-q", "theirs")
    append("e")(repository)
    commit("theirs")
    git("checkout", "-q", "main")
    assert merge() != 0
    return repository


def test_a_conflict_is_said_and_sealing_resolves_it(conflict):
    assert conflict.found() == [("unreadable", "")]
    assert conflict.refusal().endswith(
        "migrations.sum has the marks of a conflict in git. Run `flask db seal`."
    )
    assert several_heads(conflict.load()) == ("d", "e")
    conflict.add("merged", ("d", "e"))

    # Mine was sealed with nothing before it but what is still before it.
    assert conflict.seal() == ["e", "merged"]

    assert conflict.sealed() == ["a", "c", "b", "d", "e", "merged"]
    assert conflict.found() == []
    commit("merge")
    assert in_conflict() == []


def test_a_conflict_may_be_sealed_before_the_heads_are_merged(conflict):
    conflict.seal()
    conflict.generate("merged", ("d", "e"))

    assert conflict.sealed() == ["a", "c", "b", "d", "e", "merged"]
    assert conflict.found() == []


def test_a_conflict_resolved_by_taking_both_sides_is_found(conflict):
    marks = ("<<<<<<<", "=======", ">>>>>>>")
    lines = conflict.sum.read_text().splitlines(keepends=True)
    conflict.sum.write_text("".join(line for line in lines if not line.startswith(marks)))

    assert conflict.found() == [("chain", "e")]


def test_the_hook_leaves_a_conflict_alone_and_says_so(conflict, capsys):
    before = conflict.sum.read_text()

    conflict.generate("merged", ("d", "e"))

    assert conflict.sum.read_text() == before
    assert (
        "Not sealed: migrations.sum has the marks of a conflict in git. Run `flask db seal`."
        in capsys.readouterr().err
    )


def test_the_command_that_the_refusal_names_restores_an_edited_file(repository):
    repository.edit("c")

    command = repository.refusal().rpartition("else `git ")[2].removesuffix("`.")
    git(*shlex.split(command))

    assert repository.found() == []
