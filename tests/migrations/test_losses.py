"""A downgrade says first what it takes, and with PROTECT_DATA takes nothing that nobody allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from agentlogger.migrate import causes
from tests.conftest import SQLiteDatabases
from tests.migrations.project import Project, emptied

PARTS = (
    'op.create_table("parts", sa.Column("id", sa.Integer(), primary_key=True),'
    ' sa.Column("name", sa.Text()))'
)
LOSES = {"reversible": "loses data"}


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """Three parts, two of which have a size."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts", **LOSES)
        add = 'op.add_column("parts", sa.Column("size", sa.Integer()))'
        drop = 'op.drop_column("parts", "size")'
        made.add("bbb222", "aaa111", add, drop, message="add part size", **LOSES)
        made.upgrade("head")
        made.run("INSERT INTO parts VALUES (1, 'bolt', 5), (2, 'nut', 7), (3, 'washer', NULL)")
        yield made


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


@pytest.fixture
def protected(project) -> Project:
    """The same, with the setting."""
    project.app.config["PROTECT_DATA"] = "1"
    return project


def test_the_columns_and_the_rows_in_them_are_said_before_they_go(project, door):
    outcome = project.door(door, "downgrade", "-1")

    assert outcome.code == 0, outcome.err
    assert "The downgrade of bbb222 takes column parts.size, with 2 rows." in outcome.err
    assert project.columns("parts") == ["id", "name"]


def test_all_of_several_steps_is_said(project, door):
    outcome = project.door(door, "downgrade", "base")

    assert outcome.code == 0, outcome.err
    assert "The downgrade of bbb222 takes column parts.size, with 2 rows." in outcome.err
    assert "The downgrade of aaa111 takes table parts, with 3 rows." in outcome.err


def test_protected_data_is_not_lost_before_somebody_says_so(protected, door):
    refused = protected.door(door, "downgrade", "base")

    assert refused.code == causes.WouldLose.exit_code
    for named in ("bbb222 (add part size)", "with 2 rows", "aaa111 (create parts)", "with 3 rows"):
        assert named in refused.err
    assert protected.heads() == "bbb222"
    assert protected.rows("SELECT count(*) FROM parts") == [3]

    (allow,) = re.findall(r"(-x allow-loss=\S+)\.", refused.err)
    assert protected.door(door, *allow.split(), "downgrade", "base").code == 0
    assert protected.tables() == set()


def test_what_was_allowed_for_one_revision_is_not_for_another(protected):
    with pytest.raises(causes.WouldLose, match="aaa111") as refused:
        protected.downgrade("base", "allow-loss=bbb222")

    assert "bbb222" not in str(refused.value)
    assert protected.heads() == "bbb222"


def test_empty_tables_and_columns_lose_nothing(protected):
    protected.run("UPDATE parts SET size = NULL")
    outcome = protected.door("flask db", "downgrade", "-1")
    assert outcome.code == 0, outcome.err
    assert "takes" not in outcome.err

    protected.run("DELETE FROM parts")
    assert protected.door("flask db", "downgrade", "-1").code == 0
    assert protected.tables() == set()


def test_what_an_upgrade_took_is_not_taken_by_the_way_back(protected):
    drop = 'op.drop_column("parts", "size")'
    add = 'op.add_column("parts", sa.Column("size", sa.Integer()))'
    protected.add("ccc333", "bbb222", drop, add, phase="contract", **LOSES)
    protected.upgrade("head")

    outcome = protected.door("flask db", "downgrade", "-1")

    assert outcome.code == 0, outcome.err
    assert "takes" not in outcome.err
    assert protected.columns("parts") == ["id", "name", "size"]


@pytest.mark.parametrize("protect", ["", "1"])
def test_what_cannot_be_taken_back_says_why(project, door, protect):
    reason = "the old ids are not kept anywhere"
    project.add("ccc333", "bbb222", message="number parts anew", reversible=reason)
    project.upgrade("head")
    project.app.config["PROTECT_DATA"] = protect

    refused = project.door(door, "downgrade", "-1")

    assert refused.code == causes.WouldLose.exit_code
    assert f"ccc333 (number parts anew) says that it cannot be taken back ({reason})" in refused.err
    assert project.heads() == "ccc333"
    assert project.door(door, "-x", "allow-loss=ccc333", "downgrade", "-1").code == 0


def test_an_upgrade_is_never_asked_about(protected):
    drop = 'op.drop_column("parts", "name")'
    protected.add("ccc333", "bbb222", drop, phase="contract", reversible="it is gone")

    protected.upgrade("head")

    assert protected.columns("parts") == ["id", "size"]


@pytest.mark.parametrize(
    ("down", "lost"),
    [
        ('op.execute("DELETE FROM parts")', "whatever `DELETE FROM parts` takes"),
        ('op.execute("DROP TABLE parts")', "table parts, with 3 rows"),
        (
            'op.execute("ALTER TABLE parts DROP COLUMN size")',
            "column parts.size, with 2 rows",
        ),
        (
            'with op.batch_alter_table("parts") as batch:\n    batch.drop_column("size")',
            "column parts.size, with 2 rows",
        ),
        (
            'op.get_bind().execute(sa.text("DELETE FROM parts WHERE id = 1"))',
            "whatever `DELETE FROM parts WHERE id = 1` takes",
        ),
        (
            'if op.get_bind().execute(sa.text("SELECT 1")).scalar():\n    op.drop_table("parts")',
            "what its own code decides by reading",
        ),
    ],
)
def test_each_way_to_lose_something_is_seen(protected, down, lost):
    """Whatever the file says of itself: a new one says "yes" until somebody thinks of it."""
    protected.add("ccc333", "bbb222", down=down, reversible="yes")
    protected.upgrade("head")

    with pytest.raises(causes.WouldLose, match=re.escape(lost)):
        protected.downgrade("-1")

    assert protected.rows("SELECT count(*), count(size) FROM parts") == [(3, 2)]


def test_a_downgrade_that_says_that_it_loses_is_believed(protected):
    update = "op.execute(\"UPDATE parts SET name = 'x'\")"
    protected.add("ccc333", "bbb222", down=update, **LOSES)
    protected.add("ddd444", "ccc333", down="pass", **LOSES)
    protected.upgrade("head")

    with pytest.raises(causes.WouldLose, match="ddd444") as refused:
        protected.downgrade("-2")

    assert "`UPDATE parts SET name = 'x'`" in str(refused.value)


def test_a_table_and_a_column_are_counted_under_their_present_names(protected):
    """The renames in between are taken back first, and then the old names are dropped."""
    protected.add(
        "ccc333",
        "bbb222",
        'op.rename_table("parts", "pieces")\n'
        'with op.batch_alter_table("pieces") as batch:\n'
        '    batch.alter_column("size", new_column_name="width")',
        'with op.batch_alter_table("pieces") as batch:\n'
        '    batch.alter_column("width", new_column_name="size")\n'
        'op.rename_table("pieces", "parts")',
    )
    protected.upgrade("head")

    with pytest.raises(causes.WouldLose) as refused:
        protected.downgrade("base")

    assert "column pieces.width, with 2 rows" in str(refused.value)
    assert "table pieces, with 3 rows" in str(refused.value)
    assert "ccc333" not in str(refused.value)


def test_many_rows_are_told_about(project, monkeypatch):
    """Of a large table the rows are not counted, since that would read it for seconds."""
    dialect = project.url.get_backend_name()
    monkeypatch.setattr(f"agentlogger.migrate.{dialect}.tables.EXACT_UP_TO", 2)
    if dialect == "postgresql":
        project.run("ANALYZE parts")

    outcome = project.door("flask db", "downgrade", "-1")

    assert "column parts.size, with about 3 rows" in outcome.err


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("(name TEXT PRIMARY KEY) WITHOUT ROWID", "with 3 rows"),
        ("(rowid TEXT)", "with about 3 rows"),
    ],
)
def test_many_rows_are_told_about_whatever_their_rowid_is(project, monkeypatch, columns, told):
    """On SQLite only. The largest rowid is the estimate, where there is one under that name."""
    monkeypatch.setattr("agentlogger.migrate.sqlite.tables.EXACT_UP_TO", 2)
    create = f'op.execute("CREATE TABLE odd {columns}")'
    project.add("ccc333", "bbb222", create, 'op.drop_table("odd")', message="add odd")
    project.upgrade("head")
    project.run("INSERT INTO odd VALUES ('a'), ('b'), ('c')")

    outcome = project.door("flask db", "downgrade", "-1")

    assert outcome.code == 0, outcome.err
    assert f"The downgrade of ccc333 takes table odd, {told}." in outcome.err
    assert project.tables() == {"parts"}
