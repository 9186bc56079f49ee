"""`migrations.sum` tells what was changed, and makes two changed histories conflict in git.

No database is asked here: files are compared with a file.
"""

from __future__ import annotations

import hashlib

import pytest

from agentlogger.migrate.causes import Refused, Unsealed
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.seals import check
from tests.migrations.revision_folders import Sealed, three_sealed


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three revisions that are sealed, seen from the folder above theirs."""
    monkeypatch.chdir(tmp_path)
    return three_sealed(tmp_path / "migrations")


def test_each_revision_has_a_line_sealed_with_all_before_it(folder):
    chain, expected = "", []
    for one in ("a", "c", "b"):
        file = folder.versions / f"{one}_do_{one}.py"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        chain = hashlib.sha256(f"{chain}{digest}{one}".encode()).hexdigest()
        expected.append(f"{chain} {digest} {one} versions/{file.name}")

    assert folder.lines() == expected
    assert "flask db seal" in folder.sum.read_text().splitlines()[1]


def test_a_sealed_history_is_taken(folder):
    assert folder.found() == []
    check(folder.folder, folder.load())


def test_an_empty_folder_needs_no_seal(tmp_path):
    folder = Sealed(tmp_path / "empty")

    assert folder.found() == []
    assert folder.seal() == []
    assert folder.found() == []


def test_the_digest_is_the_one_that_the_database_keeps(folder):
    assert [line.split()[1] for line in folder.lines()] == [one.sha256 for one in folder.load()]


def test_sealing_tells_whose_line_is_another(folder):
    assert folder.seal() == []
    folder.add("d", "b")
    assert folder.seal() == ["d"]
    folder.edit("c")
    assert folder.seal() == ["c", "b", "d"]
    folder.sum.unlink()
    assert folder.seal() == ["a", "c", "b", "d"]
    assert folder.found() == []


def test_an_edited_revision_is_named_with_what_was_recorded(folder):
    then = folder.lines()[1].split()[1]
    folder.edit("c")
    now = folder.load()[1].sha256

    assert folder.found() == [("edited", "c")]
    assert folder.refusal() == (
        "migrations/migrations.sum and the revisions do not say the same: revision c "
        f"(migrations/versions/c_do_c.py) was edited since it was sealed: SHA-256 {then[:12]} "
        f"then, {now[:12]} now. Run `flask db seal` where that is meant and was applied nowhere "
        "yet, else `git checkout -- migrations/versions/c_do_c.py`."
    )


def test_an_added_revision_is_named(folder):
    folder.add("d", "b")

    assert folder.found() == [("added", "d")]
    assert folder.refusal().endswith(
        "revision d (migrations/versions/d_do_d.py) was added without being sealed. "
        "Run `flask db seal`."
    )


def test_a_removed_revision_is_named(folder):
    (folder.versions / "b_do_b.py").unlink()

    assert folder.found() == [("removed", "b")]
    assert "revision b (migrations/versions/b_do_b.py) was sealed and its file is gone" in (
        folder.refusal()
    )
    assert folder.refusal().endswith("else `git checkout -- migrations/versions/b_do_b.py`.")


def test_everything_that_differs_is_named_at_once(folder):
    folder.edit("a")
    folder.edit("c")
    folder.add("d", "b")

    assert folder.found() == [("edited", "a"), ("edited", "c"), ("added", "d")]
    for named in ("revision a (", "revision c (", "revision d (", "a_do_a.py", "c_do_c.py"):
        assert named in folder.refusal()


def test_another_order_is_named(folder):
    folder.add("b", "a")
    folder.add("c", "b")

    assert folder.found() == [("edited", "b"), ("edited", "c"), ("reordered", "b")]
    assert "has revision b (migrations/versions/b_do_b.py) where migrations.sum has c" in (
        folder.refusal()
    )


def test_a_line_corrected_by_hand_breaks_the_chain(folder):
    then = folder.lines()[1].split()[1]
    folder.edit("c")
    folder.sum.write_text(folder.sum.read_text().replace(then, folder.load()[1].sha256))

    assert folder.found() == [("chain", "c")]
    assert "the chain of migrations.sum breaks at revision c" in folder.refusal()
    assert folder.refusal().endswith("else `git checkout -- migrations/migrations.sum`.")


def test_a_line_taken_out_by_hand_breaks_the_chain(folder):
    folder.sum.write_text(folder.sum.read_text().replace(folder.lines()[1] + "\n", ""))

    assert folder.found() == [("chain", "b"), ("added", "c")]


def test_two_lines_swapped_by_hand_break_the_chain(folder):
    one, two = folder.lines()[1:]
    text = folder.sum.read_text().replace(one, "X").replace(two, one).replace("X", two)
    folder.sum.write_text(text)

    assert folder.found() == [("chain", "b"), ("chain", "c"), ("reordered", "c")]


def test_a_missing_sum_is_named(folder):
    folder.sum.unlink()

    assert folder.found() == [("missing", "")]
    assert folder.refusal().endswith("migrations.sum is not there. Run `flask db seal`.")


@pytest.mark.parametrize("content", [b"nonsense\n", b"\xff\x00\n", b"0 1 a versions/a.py\n"])
def test_a_sum_that_cannot_be_read_is_said(folder, content):
    folder.sum.write_bytes(folder.sum.read_bytes() + content)

    assert folder.found() == [("unreadable", "")]
    assert "line 6 of migrations.sum cannot be read. Run `flask db seal`." in folder.refusal()
    assert folder.seal() == []
    assert folder.found() == []


def test_a_sum_that_cannot_be_opened_is_said(folder):
    folder.sum.unlink()
    folder.sum.mkdir()

    with pytest.raises(Unsealed, match=r"migrations\.sum cannot be read \(Is a directory\)"):
        folder.found()


def test_line_ends_of_another_system_are_no_difference(folder):
    for path in (folder.sum, *folder.versions.glob("*.py")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert folder.found() == []


def test_another_name_of_a_file_is_no_difference_until_it_is_sealed(folder):
    (folder.versions / "b_do_b.py").rename(folder.versions / "b_do_better.py")

    assert folder.found() == []
    assert folder.seal() == ["b"]
    assert folder.lines()[-1].endswith(" versions/b_do_better.py")


def test_a_sum_that_cannot_be_replaced_stays_whole(folder, monkeypatch):
    before = folder.sum.read_text()
    folder.add("d", "b")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(seals.os, "replace", refuse)
    with pytest.raises(Unsealed, match=r"cannot be written \(No space left on device\)"):
        folder.seal()

    assert folder.sum.read_text() == before
    assert [one.name for one in folder.folder.iterdir() if one.name.startswith(".")] == []


def test_a_sum_is_readable_by_those_whom_the_umask_lets_read(folder):
    ours = folder.folder / "ours"
    ours.touch()

    assert folder.sum.stat().st_mode == ours.stat().st_mode


def test_the_hook_seals_each_file_that_alembic_writes(folder):
    folder.generate("d", "b")
    assert folder.sealed() == ["a", "c", "b", "d"]
    folder.generate("e", "d")
    assert folder.sealed() == ["a", "c", "b", "d", "e"]
    assert folder.found() == []


def test_the_hook_seals_a_folder_that_never_was(folder):
    folder.sum.unlink()

    folder.generate("d", "b")

    assert folder.sealed() == ["a", "c", "b", "d"]
    assert folder.found() == []


def test_the_hook_puts_a_revision_where_history_has_it(folder):
    folder.generate("b0", "a")

    assert folder.sealed() == ["a", "b0", "c", "b"]
    assert folder.found() == []


def test_the_hook_does_not_seal_an_edited_revision(folder):
    then = folder.lines()[0].split()[1]
    folder.edit("a")

    folder.generate("d", "b")

    assert folder.lines()[0].split()[1] == then
    assert folder.found() == [("edited", "a")]


@pytest.mark.parametrize("gone", [["b"], ["b", "c"], ["b", "c", "a"]])
def test_the_hook_does_not_forget_a_removed_revision(folder, gone):
    for one in gone:
        (folder.versions / f"{one}_do_{one}.py").unlink()
    left = [one for one in ("a", "c") if one not in gone]

    folder.generate("d", left[-1] if left else "base")

    assert folder.sealed() == ["a", "c", "b", "d"]
    assert sorted(folder.found()) == [("removed", one) for one in sorted(gone)]


def test_the_hook_leaves_a_broken_chain_alone_and_says_so(folder, capsys):
    folder.sum.write_text(folder.sum.read_text().replace(folder.lines()[1] + "\n", ""))
    before = folder.sum.read_text()

    folder.generate("d", "b")

    assert folder.sum.read_text() == before
    said = "Not sealed: the chain of migrations.sum breaks at revision b"
    assert said in capsys.readouterr().err


def test_the_hook_seals_a_revision_in_a_folder_of_its_own(folder):
    (folder.versions / "2027").mkdir()
    path = folder.add("d", "b").rename(folder.versions / "2027" / "d.py")

    seals.seal_after_write(str(path), {})

    assert folder.lines()[-1].endswith(" d versions/2027/d.py")


def test_the_hook_says_that_a_file_lies_where_it_does_not_look(folder, tmp_path, capsys):
    before = folder.sum.read_text()
    (tmp_path / "more").mkdir()
    path = folder.add("d", "b").rename(tmp_path / "more" / "d.py")

    seals.seal_after_write(str(path), {})

    assert folder.sum.read_text() == before
    assert "Not sealed: more/d.py is not in versions." in capsys.readouterr().err


def test_the_hook_names_a_file_that_cannot_be_loaded(folder):
    (folder.versions / "broken.py").write_text("def upgrade(:\n")

    with pytest.raises(Refused, match=r"broken\.py cannot be loaded at line 1"):
        seals.seal_after_write(str(folder.versions / "broken.py"), {})
