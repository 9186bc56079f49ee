"""`flask db squash`: what it writes, what it compares, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from unittest import mock

import pytest

from agentlogger.migrate.causes import CannotSquash, SquashedAway, Unknown, Unreadable
from agentlogger.migrate.extension import revisions_in
from agentlogger.migrate.revisions import seals
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import JOURNAL
from agentlogger.migrate.squashing import journal, squash
from agentlogger.migrate.squashing.rewriting import onto
from tests.migrations.checkout import Checkout
from tests.migrations.project import PARTS, Project, emptied
from tests.migrations.squashing import histories
from tests.migrations.squashing.histories import REPLACED, Stage, files

PLENTY = """
op.create_table(
    "parts",
    sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("size", sa.Integer()),
    sa.PrimaryKeyConstraint("id", name="pk_parts"),
)
"""
LARGE = """
op.create_index(
    "ix_parts_size", "parts", ["size"],
    postgresql_where=sa.text("size > 9"), sqlite_where=sa.text("size > 9"),
)
"""


@pytest.fixture
def small(tmp_path, sqlite_databases) -> Project:
    """A history of three revisions: a table, an index with a predicate, and nothing."""
    made = Project(tmp_path / "small", sqlite_databases.empty())
    made.add("aaa111", None, PLENTY, 'op.drop_table("parts")')
    made.add("bbb222", "aaa111", LARGE, 'op.drop_index("ix_parts_size")')
    made.add("ccc333", "bbb222")
    return made


def sealed(project: Project) -> Project:
    assert project.door("flask", "seal").code == 0
    return project


def test_the_base_says_what_it_stands_for(squashed):
    texts = {path.name: path.read_text() for path in (squashed / "versions").glob("*.py")}
    assert len(texts) == 2, texts.keys()
    base = next(text for name, text in texts.items() if name != "ggg777.py")

    assert base.count("op.create_table(") == 2
    assert 'sqlite_where=sa.text("age > 17")' in base
    assert "op.create_index(\n" in base
    assert 'op.execute("CREATE VIEW adults AS SELECT id, handle FROM members' in base
    for line in ('phase = "expand"', 'release = "2.0"', 'reversible = "loses data"',
                 'replaced_heads = ("fff666",)', 'replaced_release = "1.1"'):  # fmt: skip
        assert f"\n{line}\n" in base
    for revision in REPLACED:
        assert f'    "{revision}",  # do what {revision} does\n' in base


def test_what_follows_stands_on_the_base_and_is_else_as_it_was(squashed, stage: Stage):
    before = squashed.with_name("unsquashed") / "versions" / "ggg777.py"
    after = squashed / "versions" / "ggg777.py"

    assert after.read_text() == before.read_text().replace(
        "down_revision = 'fff666'", f'down_revision = "{stage.base}"'
    )


def test_the_new_folder_is_sealed(stage: Stage):
    with stage.new.at_work():
        revisions = revisions_in(stage.new.migrations.folder)

        assert seals.verify(stage.new.migrations.folder, revisions) == []
        assert [one.revision for one in revisions] == [stage.base, "ggg777"]


def test_a_predicate_that_is_lost_is_found_and_nothing_is_changed(small, scratch):
    sealed(small)
    was = files(small)
    real = squash.written

    def losing(*given):
        return real(*given).replace('sa.text("size > 9")', "None")

    with mock.patch.object(squash, "written", losing):
        done = histories.squash(small, scratch, before="ccc333")

    assert done.code == CannotSquash.exit_code, done.out + done.err
    for database in ("postgresql", "sqlite"):
        assert f"index ix_parts_size on parts ({database}):" in done.out
    assert "WHERE size > 9\n  after:  CREATE INDEX ix_parts_size ON parts (size)\n" in done.out
    assert "nothing was changed" in done.out
    assert files(small) == was


def test_values_by_chance_are_refused_with_both_of_them(small, scratch):
    small.add("bbb222", "aaa111", "import random\nop.execute(f'INSERT INTO parts (id) VALUES"
              " ({random.randrange(10**6)})')")  # fmt: skip
    was = files(sealed(small))

    done = histories.squash(small, scratch, before="ccc333")

    assert done.code == CannotSquash.exit_code, done.out
    assert "The history makes rows of parts by chance: (id " in done.err
    assert files(small) == was


@pytest.mark.promise
def test_a_dry_run_compares_and_changes_nothing(small, scratch):
    was = files(sealed(small))

    done = histories.squash(small, scratch, "--dry-run", "--json", before="ccc333")

    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["same"], told["written"], told["differences"]) == (True, False, [])
    assert told["replaces"] == ["aaa111", "bbb222"]
    assert files(small) == was


def test_without_a_postgresql_it_says_how_to_name_one(small):
    was = files(sealed(small))

    done = small.door("flask", "squash", "--before", "ccc333")

    assert done.code == CannotSquash.exit_code
    assert "name an empty database on one with -x scratch=URL" in done.err
    assert files(small) == was


def test_a_postgresql_that_does_not_answer_is_a_sentence(small):
    was = files(sealed(small))
    named = "scratch=postgresql+psycopg2://nobody@127.0.0.1:1/nowhere"

    done = small.door("flask", "squash", "--before", "ccc333", "-x", named)

    assert (done.code, "127.0.0.1:1/nowhere cannot be used" in done.err) == (30, True), done.err
    assert files(small) == was


def test_an_unsealed_history_is_not_squashed(small):
    done = small.door("flask", "squash", "--before", "ccc333")

    assert (done.code, "flask db seal" in done.err) == (20, True), done.err


@pytest.mark.parametrize(
    ("before", "cause", "said"),
    [
        ("bbb222", CannotSquash, "Before bbb222 (do what bbb222 does) there is only aaa111"),
        ("aaa111", CannotSquash, "there is nothing"),
        ("zzz999", Unknown, "Can't locate revision identified by 'zzz999'"),
    ],
)
def test_there_must_be_something_to_squash(small, before, cause, said):
    done = sealed(small).door("flask", "squash", "--before", before)

    assert (done.code, said in done.err) == (cause.exit_code, True), done.err


def test_a_branch_that_would_stand_on_nothing_is_refused(small):
    small.add("ddd444", "aaa111")

    done = sealed(small).door("flask", "squash", "--before", "ccc333")

    assert done.code == CannotSquash.exit_code
    assert "ddd444.py stands on aaa111 too, beside ccc333" in done.err


def test_a_vague_message_is_refused_here_too(small):
    done = sealed(small).door("flask", "squash", "--before", "ccc333", "-m", "update")

    assert done.code == 21, done.err


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("down_revision = 'bbb222'", 'down_revision = "new"'),
        ("down_revision: str | None = 'bbb222'", 'down_revision: str | None = "new"'),
        ('down_revision = ("bbb222", "other")', 'down_revision = ("new", "other")'),
        ("down_revision = 'bbb222'\ndepends_on = 'aaa111'",
         'down_revision = "new"\ndepends_on = None'),
    ],
)  # fmt: skip
def test_only_what_a_file_says_of_its_parents_is_changed(small, line, becomes):
    text = f'"""follow\n\nRevises: bbb222\nÄ"""\nrevision = "ccc333"\n{line}  # Ö\nx = "bbb222"\n'
    path = small.versions / "ccc333.py"
    follower = Declared("ccc333", (), "follow", "expand", "yes", None, path, text)

    told = onto(follower, {"aaa111", "bbb222"}, "new")

    assert told == text.replace("Revises: bbb222", "Revises: new").replace(line, becomes)


class Killed(BaseException):
    """What nothing catches, as a kill."""


def test_a_kill_at_any_step_leaves_the_old_files_or_what_the_next_run_finishes(small):
    sealed(small)
    old = files(small)
    new = {"versions/base.py": BASE, "versions/ccc333.py": old["ccc333.py"].replace(
        "'bbb222'", "'base'")}  # fmt: skip
    gone = ["versions/aaa111.py", "versions/bbb222.py"]
    folder = small.folder / "migrations"
    ended, finished_since = [], 0
    for step in range(1, 20):
        restore(small, old)
        with dying_at(step) as died, contextlib.suppress(Killed):
            journal.write(folder, new, gone)
        if files(small) != old:
            if (folder / JOURNAL).exists():
                finished_since += 1
                refused = small.door("flask", "upgrade")
                assert refused.code == Unreadable.exit_code, refused.err
                assert "`flask db squash` finishes it" in refused.err
                finished = small.door("flask", "squash", "--before", "ccc333")
                assert finished.code == 0, finished.err
                assert "A squash that was killed while it wrote its files is finished" in (
                    finished.out
                )
            assert set(files(small)) == {"base.py", "ccc333.py", "migrations.sum"}
            assert list(folder.rglob(".*")) == []
            assert small.door("flask", "seal").out.startswith("Nothing to seal")
        ended.append(died())
        if not died():
            break

    assert finished_since > len(new) + len(gone)
    assert ended[-1] is False


BASE = '''"""create all"""

revision = "base"
down_revision = None
replaces = ("aaa111", "bbb222")


def upgrade():
    pass
'''


def restore(project: Project, texts: dict[str, str]) -> None:
    for path in [*project.versions.iterdir(), *(project.folder / "migrations").glob(".*")]:
        if path.is_file():
            path.unlink()
    for name, text in texts.items():
        folder = project.folder / "migrations"
        (folder / name if name == "migrations.sum" else project.versions / name).write_text(text)


def dying_at(step: int):
    """Let everything that changes a folder end the program the so-manieth time."""
    left = [step]

    def counted(real):
        def act(*given, **named):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real(*given, **named)

        return act

    @contextlib.contextmanager
    def patched():
        with (
            mock.patch.object(Path, "replace", counted(Path.replace)),
            mock.patch.object(Path, "unlink", counted(Path.unlink)),
            mock.patch.object(os, "replace", counted(os.replace)),
            mock.patch.object(os, "fsync", counted(os.fsync)),
        ):
            yield lambda: left[0] <= 0

    return patched()


@pytest.mark.promise
def test_a_history_squashed_twice_still_knows_the_first_revisions(fresh, scratch):
    done = histories.squash(fresh, scratch)
    assert done.code == 0, done.out + done.err
    assert histories.squash(fresh, scratch).code == CannotSquash.exit_code
    fresh.upgrade()
    fresh.add("hhh888", "ggg777", PARTS, 'op.drop_table("parts")', release="3.0")
    fresh.add("iii999", "hhh888")
    sealed(fresh)

    again = histories.squash(fresh, scratch, "--json", before="iii999")

    assert again.code == 0, again.out + again.err
    assert json.loads(again.out)["replaces"][:6] == list(REPLACED)
    behind = fresh.door("flask", "upgrade")
    assert behind.code == SquashedAway.exit_code, behind.err
    assert "it lacks hhh888" in behind.err
    fresh.run("DROP TABLE migration_history", "DROP TABLE alembic_version", "DROP VIEW adults",
              "DROP TABLE members", "DROP TABLE teams")  # fmt: skip
    if fresh.engine.dialect.name == "postgresql":
        fresh.run("DROP FUNCTION lower_handle", "DROP TYPE team_size")
    fresh.upgrade()
    assert fresh.tables() == {"members", "parts", "teams"}


@pytest.mark.promise
def test_branches_that_are_merged_become_one(small, scratch):
    small.add("bbb444", "aaa111", PARTS.replace("parts", "others"), 'op.drop_table("others")')
    small.add("ccc333", ("bbb222", "bbb444"))
    sealed(small)
    small.upgrade("bbb222")
    small.upgrade("bbb444")

    done = histories.squash(small, scratch, "--json", before="ccc333")

    assert done.code == 0, done.out + done.err
    told = json.loads(done.out)
    assert told["heads"] == ["bbb222", "bbb444"]
    assert small.door("flask", "current").out.strip() == told["revision"]
    assert small.door("flask", "upgrade").code == 0
    assert small.heads() == "ccc333"


@pytest.mark.promise
def test_what_needs_a_backfill_of_the_replaced_finds_it_finished(small, scratch):
    small.add("bbb222", "aaa111", 'op.backfill("parts", set={"size": "1"}, where="size IS NULL")')
    small.add("ccc333", "bbb222", needs_backfills=("parts_size",))

    done = histories.squash(sealed(small), scratch, before="ccc333")

    assert done.code == 0, done.out + done.err
    assert 'replaced_backfills = ("parts_size",)' in "".join(files(small).values())
    assert small.door("flask", "upgrade").code == 0


@pytest.mark.promise
def test_this_projects_own_history_can_be_squashed(tmp_path, databases, scratch):
    with emptied(databases) as url:
        checkout = Checkout(tmp_path / "checkout", url)
        first, *replaced, last = sorted(checkout.revisions())
        checkout.bring("upgrade", replaced[-1].split("_")[2])
        # A PostgreSQL makes scratch databases of its own.
        named = ["-x", f"scratch={scratch.render_as_string(hide_password=False)}"]
        is_sqlite = url.get_backend_name() == "sqlite"

        done = checkout.run(
            *("flask", "db", "squash", "--before", last.split("_")[2], "--json"),
            *(named if is_sqlite else ()),
        )

        assert done.code == 0, done.out + done.err
        told = json.loads(done.out)
        assert told["rows"] == {"projects": 1}
        assert told["replaces"] == [name.split("_")[2] for name in (first, *replaced)]
        assert len(checkout.revisions()) == 2
        text = (checkout.folder / "migrations" / told["file"]).read_text()
        assert "(1, 'default', {time.time_ns()})" in text
        assert "op.execute" not in text.replace(STRAYS, "").replace(DEFAULT, "")
        upgraded = checkout.door("alembic", "upgrade", "head")
        assert upgraded.code == 0, upgraded.err
        assert checkout.revision() == last.split("_")[2]
        verified = checkout.door("flask db", "verify")
        assert "flask db rehearse --all --prove" in verified.err
        assert "is of no revision that there is" not in verified.err


STRAYS = """op.execute(
            "CREATE TABLE log_records_strays PARTITION OF"""
DEFAULT = """op.execute(
        "INSERT INTO projects"""
"""What no operation of Alembic's makes."""
