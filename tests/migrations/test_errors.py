"""Every error ends the incident: one sentence, an exit code of its cause, and a command that cures.

Where a command is printed it is run here, and what had failed is run again. What the processes
themselves do with the sentences is in `test_doors` and `test_guide`.
"""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from agentlogger.migrate import causes
from tests.conftest import SQLiteDatabases
from tests.migrations.checkout import DOORS, Outcome
from tests.migrations.project import Project
from tests.migrations.revision_folders import begin_repository

AUTOGENERATE = "revision --autogenerate -m 'add part price'"

on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


def said(outcome: Outcome, cause: type[causes.Refused]) -> str:
    """The sentence of a command that was stopped for this cause, and for no other."""
    assert "Traceback" not in outcome.out + outcome.err
    assert outcome.code == cause.exit_code, outcome.err
    (sentence,) = re.findall(r"^Error: (.*)", outcome.err, re.MULTILINE | re.DOTALL)
    return str(sentence).strip()


def commands_in(sentence: str) -> list[list[str]]:
    """What the sentence tells to run, as words behind the door's name."""
    found = re.findall(r"`(?:flask db|alembic) ([^`]+)`", sentence)
    return [shlex.split(command) for command in found]


def branch(project: Project) -> None:
    """Let two revisions follow the last one."""
    project.add("ccc333", "bbb222", message="add part colour")
    project.add("ddd444", "bbb222", message="add part weight")


@pytest.mark.parametrize("command", ["check", AUTOGENERATE])
def test_a_database_that_is_behind_is_cured_by_the_command_in_the_sentence(project, door, command):
    project.upgrade("aaa111")

    sentence = said(project.door(door, *shlex.split(command)), causes.Behind)

    assert sentence.startswith("Target database is not up to date: it is at aaa111 and lacks ")
    assert "bbb222 (add part size)" in sentence
    assert project.door(door, *commands_in(sentence)[0]).code == 0
    assert project.door(door, *shlex.split(command)).code == 0


@pytest.mark.parametrize("command", ["upgrade head", "check", AUTOGENERATE])
def test_several_heads_are_named_with_their_files_and_cured_by_a_merge(project, door, command):
    branch(project)
    project.upgrade("bbb222")

    sentence = said(project.door(door, *shlex.split(command)), causes.SeveralHeads)

    assert sentence.startswith("Multiple head revisions are present")
    for named in ("add part colour", "migrations/versions/ccc333.py", "ddd444.py"):
        assert named in sentence
    assert project.door(door, *commands_in(sentence)[0]).code == 0
    assert project.door(door, "upgrade", "head").code == 0
    assert project.door(door, *shlex.split(command)).code == 0


@on_sqlite
def test_where_one_of_two_heads_is_applied_a_merge_is_what_is_missing(project, door):
    """On SQLite only, as all that is the tree's alone."""
    branch(project)
    project.upgrade("ccc333")

    assert "ddd444" in said(project.door(door, "check"), causes.SeveralHeads)


@on_sqlite
@pytest.mark.parametrize("verb", ["upgrade", "downgrade", "stamp"])
def test_an_unknown_revision_names_what_it_may_have_been(project, door, verb):
    """On SQLite only, likewise."""
    project.upgrade("head")

    sentence = said(project.door(door, verb, "aab111"), causes.Unknown)

    assert sentence.startswith("Can't locate revision identified by 'aab111'")
    assert "Did you mean aaa111?" in sentence
    assert project.door(door, *commands_in(sentence)[0]).code == 0
    assert project.heads() == "bbb222"
    assert "Did you mean" not in said(project.door(door, verb, "xyz"), causes.Unknown)


@on_sqlite
@pytest.mark.parametrize(
    ("verb", "steps"),
    [("upgrade", "+5"), ("downgrade", "-5"), ("upgrade", "aaa111+5"), ("downgrade", "aaa111-5")],
)
def test_more_steps_than_there_are_change_nothing(project, door, verb, steps):
    """On SQLite only, likewise."""
    project.upgrade("aaa111")

    sentence = said(project.door(door, verb, steps), causes.Unknown)

    assert project.heads() == "aaa111"
    assert project.door(door, *commands_in(sentence)[0]).code == 0


@on_sqlite
def test_a_step_with_two_meanings_names_them_and_both_ways_on(project, door):
    """On SQLite only, likewise."""
    branch(project)
    project.upgrade("bbb222")

    sentence = said(project.door(door, "upgrade", "+1"), causes.Ambiguous)

    assert "ccc333 (add part colour)" in sentence
    assert "ddd444 (add part weight)" in sentence
    one, merge = commands_in(sentence)
    assert project.door(door, *one).code == 0
    assert project.heads() == "ccc333"
    assert project.door(door, *merge).code == 0
    assert project.door(door, "upgrade", "+2").code == 0


@pytest.mark.parametrize(
    ("files", "cause", "named"),
    [
        (
            {"ccc333.py": "revision = 'ccc333'\ndown_revision = 'nowhere'\n"},
            causes.MissingParent,
            ["ccc333.py", "nowhere", "git log"],
        ),
        (
            {"copy.py": "revision = 'bbb222'\ndown_revision = 'aaa111'\n"},
            causes.DuplicateId,
            ["bbb222.py", "copy.py", "revision = "],
        ),
        (
            {"ccc333.py": "revision = 'ccc333'\ndown_revision = 'bbb222'\ndef upgrade(:\n"},
            causes.Unreadable,
            ["ccc333.py cannot be loaded at line 3", "SyntaxError"],
        ),
        (
            {"ccc333.py": "import nowhere\nrevision = 'ccc333'\ndown_revision = 'bbb222'\n"},
            causes.Unreadable,
            ["ccc333.py cannot be loaded at line 1", "nowhere"],
        ),
    ],
    ids=["missing parent", "duplicate id", "syntax error", "import error"],
)
@on_sqlite
def test_a_broken_folder_names_the_file(project, door, files, cause, named):
    """On SQLite only, likewise."""
    for name, text in files.items():
        (project.versions / name).write_text(text)

    for command in (["upgrade", "head"], ["current"], ["check"]):
        sentence = said(project.door(door, *command), cause)

        assert [word for word in named if word not in sentence] == []
    for name in files:
        (project.versions / name).unlink()
    assert project.door(door, "upgrade", "head").code == 0


def test_an_exception_in_a_revision_names_file_and_line_and_leaves_nothing(project, door):
    up = 'op.create_table("more", sa.Column("id", sa.Integer()))\nlen(5)'
    path = project.add("ccc333", "bbb222", up)
    line = path.read_text().splitlines().index("    len(5)") + 1

    sentence = said(project.door(door, "upgrade", "head"), causes.Failed)

    assert f"ccc333.py, line {line} raised TypeError: object of type 'int' has no len()" in sentence
    assert project.heads() == "bbb222"
    assert project.tables() == {"parts"}
    project.add("ccc333", "bbb222", up.replace("len(5)", "len('5')"))
    assert project.door(door, "upgrade", "head").code == 0
    assert project.tables() == {"parts", "more"}


@on_sqlite
def test_an_exception_is_told_where_the_folder_is_reached_by_a_link(project, tmp_path, door):
    """On SQLite only, likewise."""
    project.add("ccc333", "bbb222", "len(5)")
    (tmp_path / "link").symlink_to(project.folder)
    project.reach_by(tmp_path / "link")

    assert "ccc333.py" in said(project.door(door, "upgrade", "head"), causes.Failed)


def test_broken_sql_in_a_revision_is_quoted_with_the_databases_reason(project, door):
    project.add("ccc333", "bbb222", 'op.execute("UPDATE nowhere SET size = 1")')

    sentence = said(project.door(door, "upgrade", "head"), causes.Failed)

    assert sentence.startswith("The database stopped revision ccc333 (migrations/versions/ccc333")
    assert re.search(r"(no such table: nowhere|relation \"nowhere\" does not exist)\)", sentence)
    assert "at `UPDATE nowhere SET size = 1`" in sentence
    project.add("ccc333", "bbb222", 'op.execute("UPDATE parts SET size = 1")')
    assert project.door(door, "upgrade", "head").code == 0


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_what_is_refused_at_the_commit_is_the_revisions_own_fault(project, door):
    """On PostgreSQL only: SQLite checks its deferred keys before."""
    project.add(
        "ccc333",
        "bbb222",
        'op.execute("ALTER TABLE parts ADD FOREIGN KEY (size) REFERENCES parts (id)'
        ' DEFERRABLE INITIALLY DEFERRED")\n'
        'op.execute("INSERT INTO parts (id, size) VALUES (1, 7)")',
    )

    sentence = said(project.door(door, "upgrade", "head"), causes.Failed)

    assert "violates foreign key constraint" in sentence
    assert "ccc333" in sentence
    assert project.heads() == "bbb222"


def test_a_revision_without_a_way_back_is_applied_and_its_downgrade_refused(project, door):
    path = project.add("ccc333", "bbb222")
    path.write_text(path.read_text().partition("def downgrade")[0])

    assert project.door(door, "upgrade", "head").code == 0
    sentence = said(project.door(door, "downgrade", "-1"), causes.WouldLose)

    assert "ccc333" in sentence
    assert "no downgrade()" in sentence
    assert project.heads() == "ccc333"


def test_a_database_ahead_that_the_program_can_work_with_is_no_error(project, door):
    path = project.add("ccc333", "bbb222", message="add part colour")
    project.upgrade("head")
    path.unlink()

    outcome = project.door(door, "upgrade", "head")

    assert outcome.code == 0, outcome.err
    assert "ahead of this tree by ccc333 (add part colour; applied 2" in outcome.err
    assert "UTC by 1.0, expand)" in outcome.err
    assert "can work with it" in outcome.err
    assert project.heads() == "ccc333"


@pytest.mark.parametrize(
    "command", ["upgrade head", "downgrade -1", "check", "current", "stamp head"]
)
def test_a_database_ahead_that_breaks_the_program_is_told_with_the_ways_on(project, door, command):
    path = project.add("ccc333", "bbb222", message="drop part colour", phase="contract")
    project.upgrade("head")
    path.unlink()

    sentence = said(project.door(door, *command.split()), causes.Ahead)

    assert "ahead of this tree by ccc333 (drop part colour; applied 2" in sentence
    assert "contract)" in sentence
    assert "cannot work with it" in sentence
    (way,) = [words for words in commands_in(sentence) if words[0] == "rollback-to-code"]
    assert project.door("flask db", *way).code == 0
    assert project.door(door, *command.split()).code == 0


def test_what_two_branches_have_applied_is_told_with_what_is_missing(project, door):
    """The database of one branch, and the tree of another: neither is behind nor ahead alone."""
    path = project.add("ccc333", "bbb222", message="add part colour")
    project.upgrade("head")
    path.unlink()
    project.add("ddd444", "bbb222", message="add part weight")

    sentence = said(project.door(door, "upgrade", "head"), causes.Ahead)

    assert "ccc333 (add part colour" in sentence
    assert "lacks ddd444 (add part weight)" in sentence
    for words in commands_in(sentence):
        assert project.door("flask db", *words).code == 0
    assert project.door(door, "upgrade", "head").code == 0
    assert project.heads() == "ddd444"


@pytest.mark.parametrize("verb", ["upgrade head", "downgrade -1"])
def test_an_edited_applied_revision_is_put_back_from_what_was_recorded(project, door, verb):
    project.upgrade("head")
    path = project.versions / "bbb222.py"
    before = path.read_text()
    path.write_text(before + "# edited\n")

    sentence = said(project.door(door, *verb.split()), causes.Edited)

    for named in ("bbb222 (add part size)", "UTC by 1.0", "bbb222.py", "-x allow-edited=bbb222"):
        assert named in sentence
    assert commands_in(sentence)[0][0] == "log"
    assert project.door("flask db", *commands_in(sentence)[0]).code == 0
    assert path.read_text() == before
    assert project.door(door, *verb.split()).code == 0


def test_an_edit_of_words_alone_can_be_recorded(project, door):
    project.upgrade("head")
    path = project.versions / "bbb222.py"
    path.write_text(path.read_text() + "# edited\n")
    allow = ["-x", "allow-edited=bbb222"]

    assert project.door(door, *allow, "upgrade", "head").code == 0
    assert project.door(door, "upgrade", "head").code == 0
    assert "# edited" in project.door("flask db", "log", "--source", "bbb222").out


@on_sqlite
def test_git_puts_an_edited_revision_back(project, door):
    """On SQLite only, likewise."""
    project.upgrade("head")
    with project.at_work():
        begin_repository()
    path = project.versions / "bbb222.py"
    path.write_text(path.read_text() + "# edited\n")

    sentence = said(project.door(door, "upgrade", "head"), causes.Edited)

    (git,) = re.findall(r"`(git [^`]+)`", sentence)
    subprocess.run(shlex.split(git), cwd=project.folder, check=True, capture_output=True)
    assert project.door(door, "upgrade", "head").code == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql+psycopg2://nobody:secret@127.0.0.1:1/none", "onnection refused"),
        ("sqlite:////nowhere/at/all.db", "No such file"),
    ],
)
@on_sqlite
def test_a_database_that_is_not_there_is_named_without_its_password(project, door, url, reason):
    """On SQLite only, likewise."""
    project.app.config["MIGRATE_DATABASE_URL"] = url

    for command in (["upgrade", "head"], ["current"], ["check"]):
        sentence = said(project.door(door, *command), causes.Unreachable)

        assert "DATABASE_URL" in sentence
        assert "secret" not in sentence
    assert reason in said(project.door(door, "upgrade", "head"), causes.Unreachable)


@on_sqlite
def test_a_file_that_is_no_database_is_told(project, door):
    """On SQLite only: PostgreSQL's are not files."""
    path = project.folder / "text.db"
    path.write_text("some text that is no database at all\n" * 100)
    project.app.config["MIGRATE_DATABASE_URL"] = f"sqlite:///{path}"

    for command in (["upgrade", "head"], ["current"]):
        assert "text.db" in said(project.door(door, *command), causes.Unreachable)


@on_sqlite
def test_a_mistyped_option_names_those_that_exist(project, door):
    """On SQLite only, likewise."""
    sentence = said(project.door(door, "-x", "lock-wiat=5", "upgrade", "head"), causes.BadOption)

    assert "lock-wiat" in sentence
    assert "lock-wait" in sentence


@on_sqlite
def test_both_doors_end_with_the_exit_code_of_the_cause(project):
    """On SQLite only, likewise."""
    branch(project)
    project.upgrade("aaa111")
    causes_of = {
        "check": causes.SeveralHeads,
        "upgrade head": causes.SeveralHeads,
        "upgrade xyz": causes.Unknown,
        "downgrade -5": causes.Unknown,
        "upgrade +2": causes.Ambiguous,
        "-x lock-wait=long upgrade bbb222": causes.BadOption,
        "-x phase=early upgrade bbb222": causes.BadOption,
        "revision -m wip --head ccc333": causes.VagueMessage,
        "merge -m wip ccc333 ddd444": causes.VagueMessage,
    }

    for command, cause in causes_of.items():
        by_alembic, by_flask = (project.door(door, *command.split()) for door in DOORS)

        assert said(by_alembic, cause) == said(by_flask, cause), command
    assert project.heads() == "aaa111"
