"""A folder of revisions is read in history order, and what is wrong with it is said in words.

No database is asked here: a folder is read before any is touched.
"""

from __future__ import annotations

import random
import re
import shlex

import pytest
from alembic.script import ScriptDirectory

from agentlogger.migrate.causes import DuplicateId, MissingParent, Unreadable
from agentlogger.migrate.revisions.folder import load, sentence_for_several_heads, several_heads
from tests.migrations.checkout import ROOT
from tests.migrations.revision_folders import Folder, begin_repository, commit, git


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of revisions, seen from the folder above it."""
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path / "migrations")


def test_the_projects_own_history_is_read_in_its_order():
    revisions = load(ScriptDirectory(str(ROOT / "migrations")))

    assert [one.revision for one in revisions[:4]] == [
        "5f1c7a9e2b04",
        "8c40d2b6e713",
        "b7e3914fd25a",
        "e91f6c05a8d7",
    ]
    assert revisions[0].message == "create users table"
    assert revisions[1].parents == ("5f1c7a9e2b04",)
    assert several_heads(revisions) == ()


def test_a_folder_without_revisions_is_read(folder):
    assert folder.load() == []
    folder.versions.rmdir()
    assert folder.load() == []


def test_parents_come_before_children_whatever_their_ids_and_files_are_called(folder):
    folder.add("z")
    folder.add("m", "z", file="0.py")
    folder.add("a", "m")

    assert folder.order() == ["z", "m", "a"]


def test_where_the_history_leaves_a_choice_the_smaller_id_comes_first(folder):
    folder.add("base")
    for revision in random.sample(["e", "c", "d"], 3):
        folder.add(revision, "base")
    folder.add("b", "d")
    folder.add("merge", ("b", "c", "e"))

    assert folder.order() == ["base", "c", "d", "b", "e", "merge"]


def test_a_new_revision_leaves_the_others_in_their_order(folder):
    """So that its line is all that it changes in the order of `migrations.sum`."""
    chance = random.Random(7)
    known: list[str] = []
    before: list[str] = []
    for number in range(25):
        parents = tuple(chance.sample(known, min(len(known), chance.choice([0, 1, 1, 1, 2]))))
        known.append(f"{chance.randrange(16**6):06x}{number}")
        folder.add(known[-1], parents or None)

        after = folder.order()

        assert [one for one in after if one != known[-1]] == before
        before = after


def test_what_a_revision_depends_on_comes_before_it(folder):
    folder.add("a", depends_on="z")
    folder.add("b", depends_on=("late",))
    folder.add("z", labels=("late",))

    revisions = folder.load()

    assert [one.revision for one in revisions] == ["z", "a", "b"]
    assert {one.revision: one.parents for one in revisions} == {"z": (), "a": ("z",), "b": ("z",)}


def test_files_that_are_no_revisions_are_left_alone(folder):
    folder.add("a")
    (folder.versions / "notes.txt").write_text("none")
    (folder.versions / "__init__.py").write_text("raise SystemExit")
    (folder.versions / "again.py").symlink_to(next(folder.versions.glob("a_*.py")))

    assert folder.order() == ["a"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("revision = 'a'\ndef upgrade(:\n", "at line 2 (SyntaxError: invalid syntax)"),
        ("x = 1\nimport nowhere_to_be_found\n", "at line 2 (ModuleNotFoundError: No module named"),
        ("def f():\n    raise ValueError\n\nf()\n", "at line 2 (ValueError: no message)"),
        ("import os\nos.fspath(1)\n", "at line 2 (TypeError: expected str, bytes"),
        ("import sys\nsys.exit('no')\n", "at line 2 (SystemExit: no)"),
        ("x = 1\n", "(CommandError: Could not determine revision id from filename broken.py"),
        ("revision = 'a'\n", "(AttributeError: module 'broken_py' has no attribute"),
        (
            "revision = 'a-b'\ndown_revision = None\n",
            "(RevisionError: Character(s) '-' not allowed",
        ),
        ("revision = 'a'\ndown_revision = 'a'\n", "(LoopDetected: Self-loop is detected in"),
        ("revision = 7\ndown_revision = None\n", "(TypeError: "),
        ("revision = 'a'\0\n", "Error: source code"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_with_its_line_and_fault(folder, source, said):
    folder.add("fine")
    (folder.versions / "broken.py").write_text(source)

    with pytest.raises(Unreadable) as refused:
        folder.load()

    assert str(refused.value).startswith("migrations/versions/broken.py cannot be loaded")
    assert said in str(refused.value)
    assert "correct the file, then run the same command again" in str(refused.value)


def test_a_file_that_is_not_utf8_is_named(folder):
    (folder.versions / "old.py").write_bytes(
        b"# coding: latin-1\n# \xe9\nrevision = 'a'\ndown_revision = None\n"
    )

    with pytest.raises(Unreadable, match=r"old\.py cannot be read as UTF-8 text"):
        folder.load()


def test_a_revision_without_its_parent_is_named_with_the_way_to_find_it(folder):
    folder.add("a")
    folder.add("c", "b")

    with pytest.raises(MissingParent) as refused:
        folder.load()

    assert str(refused.value) == (
        "migrations/versions/c_do_c.py follows revision b, which has no file here: find it with "
        "`git log --all --oneline --diff-filter=AM -- 'migrations/versions/*b*'` and bring it back "
        "with `git checkout COMMIT -- 'migrations/versions/*b*'`, or correct `down_revision` in "
        "migrations/versions/c_do_c.py."
    )


def test_the_commands_for_a_missing_parent_bring_it_back(folder):
    folder.add("base")
    folder.add("lost", "base")
    folder.add("head", "lost")
    begin_repository()
    (folder.versions / "lost_do_lost.py").unlink()
    commit("lose one")
    with pytest.raises(MissingParent) as refused:
        folder.load()

    find, restore = re.findall("`git ([^`]*)`", str(refused.value))
    newest = git(*shlex.split(find)).split()[0]
    git(*shlex.split(restore.replace("COMMIT", newest)))

    assert folder.order() == ["base", "lost", "head"]


@pytest.mark.parametrize("parents", [("a", "b"), ["a", "b"]])
def test_one_missing_parent_of_a_merge_is_enough(folder, parents):
    folder.add("a")
    folder.add("merge", parents)

    with pytest.raises(MissingParent, match=r"merge_do_merge\.py follows revision b,"):
        folder.load()


@pytest.mark.parametrize("depends_on", ["b", ("b",)])
def test_a_missing_dependency_is_a_missing_parent(folder, depends_on):
    folder.add("a", depends_on=depends_on)

    with pytest.raises(MissingParent) as refused:
        folder.load()

    assert "a_do_a.py depends on revision b, which has no file" in str(refused.value)
    assert "correct `depends_on`" in str(refused.value)


def test_two_files_of_one_revision_are_both_named_and_a_free_id_is_offered(folder):
    folder.add("a")
    folder.add("b", "a", file="1_b.py")
    copy = folder.add("b", "a", file="2_copy_of_b.py")

    with pytest.raises(DuplicateId) as refused:
        folder.load()

    said = str(refused.value)
    assert said.startswith(
        "migrations/versions/1_b.py and migrations/versions/2_copy_of_b.py both say that they are "
        "revision b: give the copy an id of its own, such as `revision = "
    )
    assert said.endswith("` in migrations/versions/2_copy_of_b.py, or delete it.")
    (line,) = re.findall("`(.*)`", said)
    copy.write_text(copy.read_text().replace("revision = 'b'", line, 1))
    assert len(folder.order()) == 3


def test_a_circle_is_named_by_its_files_and_no_others(folder):
    folder.add("base")
    folder.add("a", ("base", "c"))
    folder.add("b", "a")
    folder.add("c", "b")
    folder.add("after", "c")

    with pytest.raises(Unreadable) as refused:
        folder.load()

    files, _, rest = str(refused.value).partition(" follow each other in a circle")
    assert set(files.split(", ")) == {f"migrations/versions/{one}_do_{one}.py" for one in "abc"}
    assert "correct `down_revision` or `depends_on`" in rest


def test_a_circle_of_dependencies_is_seen(folder):
    folder.add("a", depends_on="b")
    folder.add("b", "a")

    with pytest.raises(Unreadable, match="in a circle"):
        folder.load()


def test_a_label_of_two_branches_is_said(folder):
    folder.add("a", labels=("mine",))
    folder.add("b", labels=("mine",))

    with pytest.raises(Unreadable, match=r"Branch name 'mine' in revision . already used by"):
        folder.load()


def test_two_heads_are_named_with_their_messages_files_and_the_cure(folder):
    folder.add("base")
    folder.add("two", "base")
    folder.add("one", "base")
    revisions = folder.load()

    heads = several_heads(revisions)

    assert heads == ("one", "two")
    assert sentence_for_several_heads(revisions, heads) == (
        'Multiple head revisions are present, one ("add one", migrations/versions/one_do_one.py) '
        'and two ("add two", migrations/versions/two_do_two.py), so none is the newest: join them '
        'with `flask db merge -m "merge branches" one two` (`alembic merge -m "merge branches" one '
        "two` does the same), then run the same command again."
    )


def test_three_heads_are_all_named(folder):
    for revision in ("a", "b", "c"):
        folder.add(revision)
    revisions = folder.load()

    sentence = sentence_for_several_heads(revisions, several_heads(revisions))

    assert [one in sentence for one in (' a ("add a"', ' b ("add b"', ' and c ("add c"')] == [
        True
    ] * 3
    assert 'merge -m "merge branches" a b c`' in sentence


def test_merged_branches_have_one_head(folder):
    folder.add("base")
    folder.add("one", "base")
    folder.add("two", "base")
    folder.add("both", ("one", "two"))

    assert several_heads(folder.load()) == ()


def test_a_path_outside_the_working_directory_is_shown_whole(folder, tmp_path, monkeypatch):
    folder.add("c", "b")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    with pytest.raises(MissingParent) as refused:
        folder.load()

    assert str(refused.value).startswith(f"{folder.versions}/c_do_c.py follows")
    assert f"-- '{folder.versions}/*b*'`" in str(refused.value)
