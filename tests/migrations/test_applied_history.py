"""What the database keeps of each revision, and the steps back that go by it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.util import CommandError

from agentlogger.migrate import causes
from agentlogger.migrate.ledger import history
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.run.running import Run
from tests.conftest import SQLiteDatabases
from tests.migrations.project import Project, emptied

PARTS = 'op.create_table("parts", sa.Column("id", sa.Integer(), primary_key=True))'
SIZE = 'op.add_column("parts", sa.Column("size", sa.Integer()))'
DROP_SIZE = 'op.drop_column("parts", "size")'


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A project with a history of two revisions, on an empty database."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url, version="2.0")
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts")
        made.add("bbb222", "aaa111", SIZE, DROP_SIZE, message="add part size", release="2.0")
        yield made


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


def entries(project: Project) -> list[history.Entry]:
    with project.engine.connect() as connection:
        return history.entries(connection)


def told(project: Project) -> list[tuple[str, str]]:
    """The directions and revisions of the history, oldest first."""
    return [(entry.direction, entry.revision) for entry in entries(project)]


def branches(project: Project) -> None:
    """Two revisions behind the last one, and the merge of both."""
    project.add("ccc333", "bbb222", 'op.create_table("c", sa.Column("id", sa.Integer()))')
    project.add("ddd444", "bbb222", 'op.create_table("d", sa.Column("id", sa.Integer()))')
    for name, table in (("ccc333", "c"), ("ddd444", "d")):
        path = project.versions / f"{name}.py"
        head, _, _ = path.read_text().partition("def downgrade")
        path.write_text(f'{head}def downgrade():\n    op.drop_table("{table}")\n')


def test_a_row_says_all_there_is_to_say_of_an_upgrade(project, door):
    began = time.time_ns()

    assert project.door(door, "upgrade", "head").code == 0

    _, entry = entries(project)
    path = project.versions / "bbb222.py"
    assert (entry.revision, entry.parents, entry.direction) == ("bbb222", ("aaa111",), "up")
    assert (entry.phase, entry.reversible, entry.program) == ("expand", "yes", "2.0")
    assert entry.message == "add part size"
    assert began < entry.begun_ns < entry.ended_ns < time.time_ns()
    assert entry.seconds == (entry.ended_ns - entry.begun_ns) / 10**9
    assert f"(process {os.getpid()})" in entry.who
    assert entry.source == path.read_text()
    assert entry.down_sql == ("ALTER TABLE parts DROP COLUMN size",)
    assert entry.is_signed_by(keys_of(project.app.config))


def test_up_down_and_stamp_each_leave_a_row(project):
    project.upgrade("head")
    project.downgrade("-1")
    project.upgrade("head")
    assert project.door("flask db", "stamp", "aaa111").code == 0

    rows = [("up", "aaa111"), ("up", "bbb222"), ("down", "bbb222"), ("up", "bbb222")]
    assert told(project) == [*rows, ("stamp", "aaa111")]
    assert all(entry.ended_ns for entry in entries(project))


def test_a_stamp_to_nothing_is_not_told_as_a_stamp_to_what_was_there(project):
    project.upgrade("head")

    assert project.door("flask db", "stamp", "base").code == 0

    assert project.heads() == ""
    assert told(project)[-1] == ("unstamp", "bbb222")


def test_the_row_is_ended_in_the_transaction_of_the_version_row(project, monkeypatch):
    """Killed between the two, a database would say of a revision that is there that it is not."""
    project.upgrade("aaa111")
    end = history.end

    def end_and_fail(connection: sa.Connection, number: int) -> None:
        end(connection, number)
        heads = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars()
        assert list(heads) == ["bbb222"]
        raise SystemExit(9)

    monkeypatch.setattr(history, "end", end_and_fail)
    # As a kill would have it: nobody is left to tidy up.
    monkeypatch.setattr(Run, "_forget", lambda _run: None)
    with pytest.raises(SystemExit):
        project.upgrade("head")

    assert project.heads() == "aaa111"
    killed = entries(project)[-1]
    assert (killed.revision, killed.ended_ns) == ("bbb222", None)
    assert "killed" in project.door("flask db", "log", "-n", "1").out
    monkeypatch.undo()
    project.upgrade("head")
    assert [entry.ended_ns is None for entry in entries(project)] == [False, True, False]


@pytest.mark.parametrize("mistake", ['op.execute("UPDATE nowhere SET x = 1")', "len(5)"])
def test_a_revision_that_fails_leaves_no_row(project, mistake):
    project.add("ccc333", "bbb222", mistake)

    with pytest.raises(CommandError):
        project.upgrade("head")

    assert told(project) == [("up", "aaa111"), ("up", "bbb222")]


def test_the_log_shows_the_newest_first_in_words_and_as_json(project):
    project.upgrade("head")
    project.downgrade("-1")

    words = project.door("flask db", "log").out.splitlines()
    assert [line.split()[2:4] for line in words] == [
        ["down", "bbb222"], ["up", "bbb222"], ["up", "aaa111"]
    ]  # fmt: skip
    assert "add part size  [2.0, " in words[0]
    found = [
        json.loads(line) for line in project.door("flask db", "log", "--json").out.splitlines()
    ]
    assert [(one["direction"], one["revision"]) for one in found] == told(project)[::-1]
    assert found[1]["down_sql"] == ["ALTER TABLE parts DROP COLUMN size"]
    assert [one["signed"] for one in found] == [True, True, True]
    assert len(project.door("flask db", "log", "-n", "2").out.splitlines()) == 2


def test_the_log_of_a_database_without_history_says_so(project):
    outcome = project.door("flask db", "log")

    assert (outcome.code, outcome.out.count("no history yet")) == (0, 1)
    assert project.door("flask db", "log", "--json").out == ""


def test_the_source_that_was_applied_is_printed_and_written(project):
    project.upgrade("head")
    path = project.versions / "bbb222.py"
    text = path.read_text()
    path.write_text(text + "# edited\n")

    assert project.door("flask db", "log", "--source", "bbb2").out == text
    output = ["--source", "bbb222", "--output", str(path)]
    assert project.door("flask db", "log", *output).code == 0
    assert path.read_text() == text
    unknown = project.door("flask db", "log", "--source", "bbc222")
    assert unknown.code == causes.Unknown.exit_code
    assert "Did you mean bbb222?" in unknown.err


def test_the_guides_test_works_behind_the_guides_merge(project, door):
    """Up, down and up again, which stock Alembic refuses here as an ambiguous walk."""
    branches(project)
    project.upgrade("bbb222")
    assert project.door(door, "merge", "-m", "merge branches", "ccc333", "ddd444").code == 0

    for words in (["upgrade", "head"], ["downgrade", "-1"], ["upgrade", "+1"]):
        outcome = project.door(door, *words)
        assert outcome.code == 0, outcome.err
    merge = project.heads()
    assert merge not in {"ccc333", "ddd444"}

    first, _ = [revision for _, revision in told(project) if revision in ("ccc333", "ddd444")]
    assert project.door(door, "downgrade", "-2").code == 0
    assert project.heads() == first
    assert project.tables() == {"parts", first[0]}
    assert project.door(door, "upgrade", "+1").code == 0
    assert project.door(door, "upgrade", "+1").code == 0
    assert project.heads() == merge


@pytest.mark.parametrize(("first", "second"), [("ccc333", "ddd444"), ("ddd444", "ccc333")])
def test_a_step_back_takes_what_came_last_where_two_heads_are_applied(project, first, second):
    branches(project)
    project.upgrade("bbb222")
    project.upgrade(first)
    project.upgrade(second)
    assert project.heads() == "ccc333 ddd444"

    project.downgrade("-1")
    assert project.heads() == first
    project.downgrade("-1")
    assert project.heads() == "bbb222"


def test_two_steps_back_take_both_heads(project):
    branches(project)
    project.upgrade("heads")

    project.downgrade("-2")

    assert project.heads() == "bbb222"
    assert project.tables() == {"parts"}


def test_a_step_back_goes_by_the_tree_where_there_is_no_history(project):
    """As in a database that stock Alembic has migrated."""
    branches(project)
    project.add("eee555", ("ccc333", "ddd444"))
    project.upgrade("head")
    project.run("DELETE FROM migration_history")

    project.downgrade("-1")
    assert project.heads() == "ccc333 ddd444"
    project.downgrade("-1")
    assert project.heads() == "ccc333"


def test_a_revision_that_was_taken_back_and_applied_again_counts_from_then(project):
    branches(project)
    project.upgrade("heads")
    project.downgrade("bbb222")
    project.upgrade("ddd444")
    project.upgrade("ccc333")

    project.downgrade("-1")

    assert project.heads() == "ddd444"


def test_a_step_back_from_a_stamped_database_goes_to_the_revision_before(project):
    project.upgrade("head")
    project.run("DELETE FROM migration_history")
    assert project.door("flask db", "stamp", "bbb222").code == 0

    project.downgrade("-1")

    assert project.heads() == "aaa111"
    assert project.columns("parts") == ["id"]


@pytest.mark.parametrize(
    "change",
    [
        "source = replace(source, 'add_column', 'drop_column')",
        "down_sql = replace(down_sql, 'size', 'id')",
        "down_sql = NULL",
        "parents = 'bbb222'",
        "signature = NULL",
    ],
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_row_that_was_changed_by_hand_is_no_longer_signed(project, change):
    """On SQLite only: the signature is computed here, and not by the database."""
    project.upgrade("head")
    keys = keys_of(project.app.config)
    assert [entry.is_signed_by(keys) for entry in entries(project)] == [True, True]

    update = f"UPDATE migration_history SET {change} WHERE revision = 'bbb222'"  # noqa: S608  (ours)
    project.run(update)

    assert [entry.is_signed_by(keys) for entry in entries(project)] == [True, False]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_key_that_was_replaced_verifies_as_a_fallback(project):
    """On SQLite only, likewise."""
    project.upgrade("head")
    config = project.app.config

    config.update(SECRET_KEY="another key")
    assert [entry.is_signed_by(keys_of(config)) for entry in entries(project)] == [False, False]
    config.update(SECRET_KEY_FALLBACKS=["a key of the tests"])
    assert [entry.is_signed_by(keys_of(config)) for entry in entries(project)] == [True, True]


def test_without_a_key_everything_works_unsigned_and_status_says_so(project, door):
    project.app.config.update(SECRET_KEY=None)

    for words in (["upgrade", "head"], ["downgrade", "-1"], ["upgrade", "+1"], ["current"]):
        outcome = project.door(door, *words)
        assert outcome.code == 0, outcome.err
    assert {entry.signature for entry in entries(project)} == {None}
    status = project.door("flask db", "status")
    assert "not signed: set SECRET_KEY" in status.out
    assert json.loads(project.door("flask db", "status", "--json").out)["signed"] is False
