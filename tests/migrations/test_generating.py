"""What autogenerate may write: no drop that nobody allowed, renames that keep the rows, a phase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from agentlogger.migrate import causes
from tests.conftest import SQLiteDatabases
from tests.migrations.checkout import Outcome
from tests.migrations.project import Project, emptied

PARTS = """
op.create_table(
    "parts",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.Text()),
    sa.Column("size", sa.Integer()),
)
op.create_index("ix_parts_size", "parts", ["size"])
"""
SIZE = sa.Column("size", sa.Integer, index=True)
NAME = sa.Column("name", sa.Text)


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """Two parts in a table, and the models that go with it."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url, version="2.0")
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts")
        made.upgrade("head")
        made.run("INSERT INTO parts VALUES (1, 'bolt', 5), (2, 'nut', 7)")
        model(made, NAME, SIZE)
        yield made


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


def model(project: Project, *columns: sa.Column, name: str = "parts") -> None:
    """Let the models have this table and no other."""
    project.metadata.clear()
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table(name, project.metadata, key, *[column._copy() for column in columns])


def generate(project: Project, door: str, *x: str, message: str = "change the size of parts"):
    """Autogenerate by one of the doors; the outcome and the files that were written."""
    before = set(project.versions.glob("*.py"))
    options = [word for one in x for word in ("-x", one)]
    outcome = project.door(door, *options, "revision", "--autogenerate", "-m", message)
    return outcome, sorted(set(project.versions.glob("*.py")) - before)


def written(project: Project, door: str, *x: str) -> Path:
    """The one file that autogenerate writes."""
    (path,) = all_written(project, door, *x)
    return path


def all_written(project: Project, door: str, *x: str) -> list[Path]:
    """The files that autogenerate writes, in order."""
    outcome, files = generate(project, door, *x)
    assert outcome.code == 0, outcome.err
    return files


def declared(path: Path) -> list[str]:
    """Phase, reversible and release, as a file declares them."""
    return re.findall(r"^(?:phase|reversible|release) = '(.*)'$", path.read_text(), re.MULTILINE)


def refused(project: Project, door: str, cause: type[causes.Refused], *x: str) -> str:
    """The sentence with which autogenerate writes nothing."""
    outcome, files = generate(project, door, *x)
    assert (outcome.code, files) == (cause.exit_code, []), outcome.err
    assert "Traceback" not in outcome.err
    return outcome.err


def is_clean(project: Project, door: str) -> Outcome:
    """Nothing is left to generate."""
    outcome = project.door(door, "check")
    assert outcome.code == 0, outcome.err
    return outcome


def test_a_column_is_dropped_where_that_is_allowed(project, door):
    model(project, NAME)

    sentence = refused(project, door, causes.WouldDrop)

    assert "no longer name parts.size" in sentence
    assert "-x allow-drop=parts.size" in sentence
    path = written(project, door, "allow-drop=parts.size")
    assert declared(path) == ["contract", "loses data", "2.0"]
    project.upgrade("head")
    assert project.columns("parts") == ["id", "name"]
    project.downgrade("-1")
    assert project.rows("SELECT id, name, size FROM parts ORDER BY id") == [
        (1, "bolt", None), (2, "nut", None)
    ]  # fmt: skip


def test_a_table_is_dropped_where_that_is_allowed(project, door):
    project.metadata.clear()

    assert "-x allow-drop=parts" in refused(project, door, causes.WouldDrop)
    assert declared(written(project, door, "allow-drop=parts")) == ["contract", "loses data", "2.0"]
    project.upgrade("head")
    assert project.tables() == set()
    project.downgrade("-1")
    assert project.columns("parts") == ["id", "name", "size"]


def test_another_drop_than_the_allowed_one_is_refused(project, door):
    model(project)

    sentence = refused(project, door, causes.WouldDrop, "allow-drop=parts.name")

    assert "no longer name parts.size, and" in sentence


def test_a_drop_and_an_add_of_one_type_are_asked_about_as_a_rename(project, door):
    model(project, NAME, sa.Column("width", sa.Integer, index=True))

    sentence = refused(project, door, causes.WouldDrop)

    assert "If it was renamed, say so, and the data stays: -x rename=parts.size:width." in sentence
    assert "-x allow-drop=parts.size to drop" in sentence


def test_an_add_of_another_type_is_no_rename(project, door):
    model(project, NAME, sa.Column("width", sa.Text))

    assert "rename" not in refused(project, door, causes.WouldDrop)


def test_a_renamed_column_keeps_its_rows_up_and_down(project, door):
    model(project, NAME, sa.Column("width", sa.Integer, index=True))

    rename, make, drop = all_written(project, door, "rename=parts.size:width")

    assert "drop_column" not in rename.read_text()
    assert declared(rename) == ["contract", "yes", "2.0"]
    # The new index is there before the old one goes.
    assert "op.create_index_online" in make.read_text().partition("def downgrade")[0]
    assert declared(drop) == ["online", "yes", "2.0"]
    project.upgrade("head")
    assert project.rows("SELECT width FROM parts ORDER BY id") == [5, 7]
    is_clean(project, door)
    project.downgrade("aaa111")
    assert project.rows("SELECT size FROM parts ORDER BY id") == [5, 7]
    indexes = sa.inspect(project.engine).get_indexes("parts")
    assert [(one["name"], one["column_names"]) for one in indexes] == [("ix_parts_size", ["size"])]


def test_a_renamed_table_keeps_its_rows_up_and_down(project, door):
    model(project, NAME, SIZE, name="pieces")

    sentence = refused(project, door, causes.WouldDrop)
    assert "-x rename=parts:pieces" in sentence
    paths = all_written(project, door, "rename=parts:pieces")

    assert not any("create_table" in path.read_text() for path in paths)
    assert declared(paths[0]) == ["contract", "yes", "2.0"]
    project.upgrade("head")
    assert project.rows("SELECT size FROM pieces ORDER BY id") == [5, 7]
    is_clean(project, door)
    project.downgrade("aaa111")
    assert project.rows("SELECT size FROM parts ORDER BY id") == [5, 7]
    indexes = sa.inspect(project.engine).get_indexes("parts")
    assert [one["name"] for one in indexes] == ["ix_parts_size"]


@pytest.mark.parametrize(
    "rename", ["parts.size", "parts.size:nowhere", "parts.nowhere:size", "nowhere:parts", ":"]
)
def test_a_rename_that_fits_nothing_is_told(project, door, rename):
    model(project, NAME, sa.Column("width", sa.Integer))

    assert f"-x rename={rename}" in refused(project, door, causes.BadOption, f"rename={rename}")


def test_what_the_history_has_not_made_is_not_dropped(project, door):
    """A table of another program, and a column, an index and a constraint made by hand."""
    project.run(
        "CREATE TABLE theirs (id integer)",
        "ALTER TABLE parts ADD COLUMN by_hand integer",
        "CREATE INDEX ix_by_hand ON parts (name)",
    )
    if project.url.get_backend_name() == "postgresql":
        project.run("ALTER TABLE parts ADD CONSTRAINT uq_by_hand UNIQUE (size)")

    is_clean(project, door)
    outcome, files = generate(project, door)

    assert (outcome.code, files) == (0, [])
    assert "No changes in schema detected" in outcome.err


@pytest.mark.parametrize(
    ("made", "gone"),
    [
        ('sa.Column("code", sa.Integer(), unique=True)', "unique"),
        ('sa.Column("code", sa.Integer()), sa.UniqueConstraint("code")', "unique"),
        ('sa.Column("code", sa.Integer(), sa.ForeignKey("parts.id"))', "foreignkey"),
    ],
)
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_constraint_of_ours_without_a_name_is_still_ours(project, door, made, gone):
    """On PostgreSQL only: it gives a name to what has none, and SQLite does not."""
    table = f'op.create_table("codes", sa.Column("id", sa.Integer(), primary_key=True), {made})'
    project.add("bbb222", "aaa111", table, 'op.drop_table("codes")')
    project.upgrade("head")
    sa.Table(
        "codes",
        project.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.Integer),
    )

    path = written(project, door)

    assert re.search(rf"drop_constraint_online\(.*type_='{gone}'", path.read_text())


@pytest.mark.parametrize(
    "up",
    [
        (
            'op.get_bind().execute(sa.text("SELECT 1")).scalar()\n'
            'op.add_column("parts", sa.Column("weight", sa.Integer()))'
        ),
        'op.execute("ALTER TABLE parts ADD COLUMN weight integer")',
        (
            'op.add_column("parts", sa.Column("mass", sa.Integer()))\n'
            'with op.batch_alter_table("parts") as batch:\n'
            '    batch.alter_column("mass", new_column_name="weight")'
        ),
    ],
    ids=["reads first", "SQL", "renamed"],
)
def test_whatever_way_a_column_was_made_by_it_is_ours(project, door, up):
    project.add("bbb222", "aaa111", up)
    project.upgrade("head")

    assert "no longer name parts.weight" in refused(project, door, causes.WouldDrop)


def test_a_table_is_ours_where_its_revision_reads_before_it_goes_on(project, door):
    reads = 'op.get_bind().execute(sa.text("SELECT 1")).scalar()\n'
    project.add(
        "bbb222", "aaa111", f'{reads}op.create_table("more", sa.Column("id", sa.Integer()))'
    )
    project.upgrade("head")

    assert "-x allow-drop=more" in refused(project, door, causes.WouldDrop)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_partitions_are_nobodys_to_drop(project, door):
    """On PostgreSQL only, which has them."""
    project.run(
        "CREATE TABLE days (day integer NOT NULL) PARTITION BY RANGE (day)",
        "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (2)",
    )
    sa.Table("days", project.metadata, sa.Column("day", sa.Integer, nullable=False))

    is_clean(project, door)


def test_a_new_table_with_its_index_is_an_expand(project, door):
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("more", project.metadata, key, sa.Column("code", sa.Text, index=True))

    path = written(project, door)

    assert declared(path) == ["expand", "loses data", "2.0"]
    project.upgrade("head")
    is_clean(project, door)


def test_a_file_written_by_hand_declares_an_expand_to_be_read(project, door):
    assert project.door(door, "revision", "-m", "fill part size from name").code == 0

    (path,) = set(project.versions.glob("*.py")) - {project.versions / "aaa111.py"}
    assert declared(path) == ["expand", "yes", "2.0"]


@pytest.mark.parametrize(
    "command",
    [["revision", "-m"], ["revision", "--autogenerate", "-m"], ["merge", "bbb222", "ccc333", "-m"]],
)
def test_every_message_is_judged_before_a_file_is_written(project, door, command):
    if command[0] == "merge":
        project.add("bbb222", "aaa111")
        project.add("ccc333", "aaa111")
    model(project, NAME, SIZE, sa.Column("more", sa.Text))
    before = set(project.versions.glob("*.py"))

    vague = project.door(door, *command, "update users")

    assert vague.code == causes.VagueMessage.exit_code, vague.err
    assert '"add user full_name column"' in vague.err
    assert set(project.versions.glob("*.py")) == before
    allowed = project.door(door, "-x", "allow-message=yes", *command, "update users")
    assert allowed.code == 0, allowed.err
    assert len(set(project.versions.glob("*.py"))) == len(before) + 1


def test_each_new_file_gets_a_line_in_the_sum(project, door):
    for words in (["revision", "-m", "fill part size"], ["revision", "-m", "fill part name"]):
        assert project.door(door, *words).code == 0

    lines = (project.folder / "migrations" / "migrations.sum").read_text().splitlines()
    sealed = [line.split()[3] for line in lines if not line.startswith("#")]
    names = {path.name for path in project.versions.glob("*.py")}
    assert {Path(name).name for name in sealed} == names
    assert project.door("flask db", "verify").code == 0
