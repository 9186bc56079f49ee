"""The database carries its own way back: an older program takes back what a newer one applied."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest

from agentlogger.migrate import causes
from agentlogger.migrate.commands import rollback
from agentlogger.migrate.ledger.signing import signature
from agentlogger.migrate.revisions import recording
from agentlogger.migrate.run import way_back
from tests.conftest import SQLiteDatabases
from tests.migrations.project import Project, emptied

PARTS = (
    'op.create_table("parts", sa.Column("id", sa.Integer(), primary_key=True),'
    ' sa.Column("name", sa.Text()))\n'
    "op.execute(\"INSERT INTO parts VALUES (1, 'bolt'), (2, 'nut'), (3, '5%')\")"
)
SIZE = 'op.add_column("parts", sa.Column("size", sa.Integer()))'
DROP_SIZE = """
op.execute("UPDATE parts SET name = name || ' 100%' WHERE name LIKE '5%'")
op.drop_column("parts", "size")
"""
"""Rendered as SQL when it is applied, percent signs and all."""

COUNTS = """
op.create_table("counts", sa.Column("part_id", sa.Integer()))
op.execute("INSERT INTO counts SELECT id FROM parts")
"""
DROP_COUNTS = """
found = op.get_bind().execute(sa.text("SELECT count(*) FROM counts")).scalar_one()
op.execute(f"UPDATE parts SET name = name || ' of {found}' WHERE id = 1")
op.drop_table("counts")
"""
"""Decided by reading: only the source can do it."""


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A program that knows one revision, and a database that a newer one has brought to three."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url, version="2.0")
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts")
        made.add("bbb222", "aaa111", SIZE, DROP_SIZE, message='add the "size" of parts')
        made.add("ccc333", "bbb222", COUNTS, DROP_COUNTS, message="count parts", phase="contract")
        made.upgrade("head")
        take_away(made, "bbb222", "ccc333")
        made.migrations.version = "1.0"
        yield made


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


def take_away(project: Project, *revisions: str) -> None:
    """Let the program be the one from before these revisions."""
    kept = project.folder / "newer"
    kept.mkdir(exist_ok=True)
    for revision in revisions:
        shutil.move(project.versions / f"{revision}.py", kept)


def give_back(project: Project) -> None:
    """Let the program be the newer one again."""
    for path in (project.folder / "newer").iterdir():
        shutil.move(path, project.versions)


def back(project: Project, *words: str):
    return project.door("flask db", "rollback-to-code", *words)


@pytest.mark.parametrize("command", ["upgrade head", "current"])
def test_an_older_program_names_what_it_does_not_know(project, door, command):
    outcome = project.door(door, *command.split())

    assert outcome.code == causes.Ahead.exit_code
    for named in ('bbb222 (add the "size" of parts', "ccc333 (count parts", "by 2.0", "contract"):
        assert named in outcome.err
    assert "`flask db rollback-to-code`" in outcome.err


def test_it_takes_them_back_and_the_newer_program_can_come_again(project):
    outcome = back(project)

    assert outcome.code == 0, outcome.err
    assert project.heads() == "aaa111"
    assert project.tables() == {"parts"}
    assert project.columns("parts") == ["id", "name"]
    names = project.rows("SELECT name FROM parts ORDER BY id")
    assert names == ["bolt of 3", "nut", "5% 100%"]
    assert "Back from ccc333 (count parts), applied 2" in outcome.out
    assert "by 2.0: stored source." in outcome.out
    assert "by 2.0: stored SQL." in outcome.out
    assert "The database is at aaa111." in outcome.out
    assert project.door("flask db", "current").out == "aaa111 (head)\n"

    give_back(project)
    project.upgrade("head")
    assert project.heads() == "ccc333"
    assert project.tables() == {"parts", "counts"}


def test_the_log_tells_of_the_way_back_and_still_has_what_was_applied(project):
    back(project)

    lines = project.door("flask db", "log").out.splitlines()
    assert [line.split()[2:4] for line in lines[:2]] == [["down", "bbb222"], ["down", "ccc333"]]
    assert "[1.0, " in lines[0]
    source = (project.folder / "newer" / "bbb222.py").read_text()
    assert project.door("flask db", "log", "--source", "bbb222").out == source


def test_a_second_call_has_nothing_to_take_back(project):
    back(project)

    again = back(project)

    assert (again.code, again.out.count("nothing to take back")) == (0, 1)


def test_the_source_is_not_executed_where_the_sql_was_stored(project):
    """Else code that came from a database would be run where nothing asks for it."""
    key = b"a key of the tests"
    trap = "raise SystemExit('the source was executed')\n"
    row = "revision, parents, source, down_sql"
    (stored,) = project.rows(f"SELECT {row} FROM migration_history WHERE revision = 'bbb222'")  # noqa: S608  (ours)
    revision, parents, source, down_sql = stored
    signed = signature(key, (revision, parents, trap + source, down_sql))
    project.run(
        f"UPDATE migration_history SET source = '{trap.replace(chr(39), chr(39) * 2)}' || source,"  # noqa: S608  (ours)
        f" signature = '{signed}' WHERE revision = 'bbb222'"
    )

    outcome = back(project)

    assert outcome.code == 0, outcome.err
    assert project.heads() == "aaa111"


@pytest.mark.parametrize(
    "change",
    [
        "source = replace(source, 'drop_table', 'drop_table ')",
        "down_sql = '[\"DROP TABLE parts\"]'",
        "signature = NULL",
        "signature = '0123'",
    ],
)
def test_what_was_changed_in_the_database_is_not_executed(project, change):
    project.run(f"UPDATE migration_history SET {change} WHERE revision = 'ccc333'")  # noqa: S608  (ours)

    outcome = back(project)

    assert outcome.code == causes.Unsigned.exit_code
    assert "revision ccc333" in outcome.err
    assert "SECRET_KEY" in outcome.err
    assert project.heads() == "ccc333"
    assert project.tables() == {"parts", "counts"}


def test_another_key_executes_nothing_until_it_is_named(project):
    project.app.config["SECRET_KEY"] = "another key"
    refused = back(project)
    assert refused.code == causes.Unsigned.exit_code
    assert "SECRET_KEY_FALLBACKS" in refused.err
    assert project.heads() == "ccc333"

    project.app.config["SECRET_KEY_FALLBACKS"] = ["a key of the tests"]

    assert back(project).code == 0
    assert project.heads() == "aaa111"


def test_a_history_that_was_deleted_is_told(project):
    project.run("DELETE FROM migration_history WHERE revision = 'ccc333'")

    outcome = back(project)

    assert outcome.code == 1
    assert "its history does not hold the script" in outcome.err
    assert project.heads() == "ccc333"


def test_it_says_what_is_lost_and_protected_data_is_not_lost(project):
    project.run("UPDATE parts SET size = 5 WHERE id < 3")
    project.app.config["PROTECT_DATA"] = "1"

    refused = back(project)

    assert refused.code == causes.WouldLose.exit_code
    assert "column parts.size, with 2 rows" in refused.err
    assert "what its own code decides by reading" in refused.err
    assert project.heads() == "ccc333"
    (allow,) = re.findall(r"(-x allow-loss=\S+)\.", refused.err)
    assert back(project, *allow.split()).code == 0
    assert project.heads() == "aaa111"


def test_a_merge_and_its_branches_are_taken_back(project):
    give_back(project)
    project.add("ddd444", "aaa111", 'op.create_table("d", sa.Column("id", sa.Integer()))')
    path = project.versions / "ddd444.py"
    head, _, _ = path.read_text().partition("def downgrade")
    path.write_text(f'{head}def downgrade():\n    op.drop_table("d")\n')
    project.add("eee555", ("ccc333", "ddd444"), message="merge branches")
    project.upgrade("head")
    take_away(project, "bbb222", "ccc333", "ddd444", "eee555")

    outcome = back(project)

    assert outcome.code == 0, outcome.err
    assert project.heads() == "aaa111"
    assert project.tables() == {"parts"}


@pytest.mark.parametrize("meanwhile", ["ddd444", "aaa111"])
def test_what_another_did_meanwhile_is_looked_at_under_the_lock(project, monkeypatch, meanwhile):
    """Another has applied a fourth revision, or has taken the same ones back."""

    def roll_back_later(*arguments) -> None:
        give_back(project)
        project.add("ddd444", "ccc333")
        project.upgrade("ddd444")
        if meanwhile == "aaa111":
            project.downgrade("aaa111")
        take_away(project, "bbb222", "ccc333", "ddd444")
        way_back.roll_back(*arguments)

    monkeypatch.setattr(rollback, "roll_back", roll_back_later)

    outcome = back(project)

    assert "Traceback" not in outcome.err
    assert project.heads() == meanwhile
    assert outcome.code == (causes.Ahead.exit_code if meanwhile == "ddd444" else 0)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_way_back_in_parts_is_taken_from_its_source(project):
    """On PostgreSQL only: SQLite has nothing that is to be outside of a transaction."""
    give_back(project)
    block = "with op.get_context().autocommit_block():\n    "
    project.add(
        "ddd444",
        "ccc333",
        f'{block}op.create_index("ix_name", "parts", ["name"], postgresql_concurrently=True)',
        f'{block}op.drop_index("ix_name", "parts", postgresql_concurrently=True)',
    )
    project.upgrade("head")
    take_away(project, "bbb222", "ccc333", "ddd444")

    outcome = back(project)

    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[0].endswith("stored source.")
    assert project.rows("SELECT indexname FROM pg_indexes WHERE indexname = 'ix_name'") == []


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_downgrade_in_batch_mode_has_no_sql_of_its_own(project):
    """On SQLite only, where it copies the table, and the copy is known when it is made."""
    give_back(project)
    project.add(
        "ddd444",
        "ccc333",
        'with op.batch_alter_table("parts") as batch:\n'
        '    batch.alter_column("name", type_=sa.String(20))',
        'with op.batch_alter_table("parts") as batch:\n'
        '    batch.alter_column("name", type_=sa.Text())',
    )
    project.upgrade("head")
    take_away(project, "bbb222", "ccc333", "ddd444")

    outcome = back(project)

    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[0].endswith("stored source.")
    assert project.rows("SELECT count(*) FROM parts") == [3]


def test_rendering_leaves_percent_signs_alone(project):
    give_back(project)
    with project.at_work():
        path = project.versions / "bbb222.py"
        namespace: dict = {}
        exec(compile(path.read_text(), path, "exec"), namespace)  # noqa: S102  (our own file)

        found = recording.render(namespace["downgrade"], recording.dialect_of(project.url))

    assert found is not None
    assert found[0] == "UPDATE parts SET name = name || ' 100%' WHERE name LIKE '5%'"
