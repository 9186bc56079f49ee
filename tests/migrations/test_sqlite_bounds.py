"""What a migration may do to others is bounded on SQLite: it writes little, or nobody is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from agentlogger.migrate import causes
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.sqlite import engine, native
from tests.migrations.project import Project

PARTS = """
op.create_table(
    "parts",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.Text()),
    sa.Column("size", sa.Integer()),
)
op.execute("INSERT INTO parts VALUES (1, 'bolt', 5), (2, 'nut', 7)")
"""
ADD = 'op.add_column("parts", sa.Column("weight", sa.Integer()))'
BATCH = 'with op.batch_alter_table("parts") as batch:\n    batch.'
BLOCK = "with op.get_context().autocommit_block():\n    "
EMPTY_ALL = 'op.execute("UPDATE parts SET size = 0")'


@pytest.fixture
def project(tmp_path, sqlite_databases) -> Project:
    """Two parts in a table."""
    made = Project(tmp_path / "project", sqlite_databases.empty())
    made.add("aaa111", None, PARTS)
    made.upgrade("head")
    return made


@pytest.fixture
def executed() -> Iterator[list[str]]:
    """The statements of all engines, with the ends of their transactions."""
    found: list[str] = []

    def statement(_connection, _cursor, text, *_others) -> None:
        found.append(text.strip().partition("\n")[0])

    def commit(_connection) -> None:
        found.append("COMMIT")

    sa.event.listen(Engine, "before_cursor_execute", statement)
    sa.event.listen(Engine, "commit", commit)
    yield found
    sa.event.remove(Engine, "before_cursor_execute", statement)
    sa.event.remove(Engine, "commit", commit)


@pytest.mark.parametrize(
    ("change", "copied"),
    [
        ('drop_column("size")', False),
        ('alter_column("size", new_column_name="width")', False),
        ('alter_column("size", new_column_name="w", existing_type=sa.Integer())', False),
        ('add_column(sa.Column("more", sa.Integer(), server_default=sa.text("0")))', False),
        ('add_column(sa.Column("more", sa.Text(), server_default="it\'s"))', False),
        ('drop_index("ix_name")\n    batch.drop_column("name")', False),
        ('alter_column("size", type_=sa.Text())', True),
        ('alter_column("size", nullable=True, new_column_name="width")', True),
        (
            'add_column(sa.Column("at", sa.Text(), server_default=sa.func.current_timestamp()))',
            True,
        ),
        ('create_check_constraint("ck_size", sa.text("size > 0"))', True),
    ],
)
def test_batch_mode_copies_a_table_only_where_sqlite_cannot_alter_it(
    project, executed, change, copied
):
    project.run("CREATE INDEX ix_name ON parts (name)")
    project.add("bbb222", "aaa111", BATCH + change)

    project.upgrade("head")

    assert ("DROP TABLE parts" in executed) is copied
    assert project.rows("SELECT id FROM parts ORDER BY id") == [1, 2]


@pytest.mark.parametrize(
    "object_",
    [
        "CREATE INDEX ix_part ON parts (name) WHERE size > 1",
        "CREATE INDEX ix_expression ON parts (abs(size))",
        "CREATE VIEW sizes AS SELECT size FROM parts",
        "CREATE TRIGGER big AFTER INSERT ON parts WHEN new.size > 9 BEGIN SELECT 1; END",
        "CREATE TABLE others (id integer REFERENCES parts (size))",
    ],
)
def test_a_column_that_something_names_is_not_dropped_natively(project, object_):
    project.run(object_)
    with project.engine.connect() as connection:
        assert not native.can_drop(connection, "parts", "size")
        assert native.can_drop(connection, "parts", "name") is ("ix_part" not in object_)


def test_a_column_that_its_own_table_names_twice_is_not_dropped_natively(project):
    project.run("CREATE TABLE checked (a integer, b integer CHECK (b > 1), c AS (a + 1))")

    with project.engine.connect() as connection:
        found = {name: native.can_drop(connection, "checked", name) for name in ("a", "b", "c")}
    assert found == {"a": False, "b": False, "c": True}


@pytest.fixture
def slow(project, monkeypatch) -> Project:
    """A machine on which a row takes ten seconds, and a server."""
    for rate in ("COPIED_BYTES_PER_SECOND", "REWRITTEN_BYTES_PER_SECOND"):
        monkeypatch.setattr(native, rate, 1)
    for rate in ("CHANGED_ROWS_PER_SECOND", "INDEXED_ROWS_PER_SECOND"):
        monkeypatch.setattr(native, rate, 0.1)
    with project.engine.begin() as connection:
        instances.beat(connection, "1.0", ("aaa111",), None)
    return project


@pytest.mark.parametrize(
    ("up", "what"),
    [
        (BATCH + 'alter_column("size", type_=sa.Text())', "a copy of table parts"),
        ('op.drop_column("parts", "size")', "a rewrite of table parts"),
        ('op.execute("ALTER TABLE parts DROP COLUMN size")', "`ALTER TABLE parts DROP COLUMN"),
        ('op.create_index("ix_size", "parts", ["size"])', "an index of table parts"),
        ('op.execute("CREATE INDEX ix_size ON parts (size)")', "`CREATE INDEX ix_size ON parts"),
        (EMPTY_ALL, "`UPDATE parts SET size = 0`"),
        ('op.get_bind().execute(sa.text("DELETE FROM parts"))', "`DELETE FROM parts`"),
    ],
)
def test_what_would_keep_a_server_from_writing_is_refused_while_one_lives(slow, up, what):
    slow.add("bbb222", "aaa111", up)

    refused = slow.door("flask db", "upgrade", "head")

    assert refused.code == causes.WouldBlock.exit_code, refused.err
    for named in ("bbb222", what, "1.0 (process", "-x allow-block=yes"):
        assert named in refused.err
    assert slow.heads() == "aaa111"


def test_it_is_refused_on_the_way_back_too(slow):
    slow.add("bbb222", "aaa111", down=EMPTY_ALL)
    slow.upgrade("head")

    with pytest.raises(causes.WouldBlock, match="bbb222"):
        slow.downgrade("-1")


@pytest.mark.parametrize("x", ["allow-block=yes", "block-max=1h"])
def test_it_is_done_where_somebody_says_so(slow, x):
    slow.add("bbb222", "aaa111", EMPTY_ALL)

    slow.upgrade("head", x)

    assert slow.rows("SELECT sum(size) FROM parts") == [0]


def test_it_is_done_where_the_revision_says_so(slow):
    slow.add("bbb222", "aaa111", EMPTY_ALL, block_max="1h")

    slow.upgrade("head")

    assert slow.heads() == "bbb222"


def test_it_is_done_where_no_server_is(slow):
    slow.add("bbb222", "aaa111", EMPTY_ALL)
    slow.run("DELETE FROM migration_instances")

    slow.upgrade("head")

    assert slow.heads() == "bbb222"


def test_what_is_done_at_once_waits_for_nobody(slow):
    """An empty table, a new one, a column that every row has without being written."""
    slow.run("CREATE TABLE others (id integer)")
    more = 'op.create_table("more", sa.Column("id", sa.Integer()))\n'
    index = 'op.create_index("ix_{0}", "{0}", ["id"])\n'
    slow.add("bbb222", "aaa111", f"{ADD}\n{more}{index.format('more')}{index.format('others')}")

    slow.upgrade("head")

    assert slow.heads() == "bbb222"


def test_a_table_without_row_ids_is_counted(slow):
    slow.run(
        "CREATE TABLE keyed (id text PRIMARY KEY) WITHOUT ROWID", "INSERT INTO keyed VALUES ('a')"
    )
    slow.add("bbb222", "aaa111", "op.execute(\"UPDATE keyed SET id = 'b'\")")

    with pytest.raises(causes.WouldBlock, match="about 10 s"):
        slow.upgrade("head")


def test_a_revision_is_one_transaction_from_its_beginning(project, executed):
    """What is to be outside of a transaction is in it as well, since nothing here needs that."""
    project.add("bbb222", "aaa111", f"{ADD}\n{BLOCK}{EMPTY_ALL}")
    executed.clear()

    project.upgrade("head")

    of_the_revision = next(n for n, one in enumerate(executed) if one.startswith("ALTER TABLE"))
    first = max(n for n in range(of_the_revision) if executed[n].startswith("BEGIN"))
    last = executed.index("COMMIT", of_the_revision)
    within = executed[first:last]
    assert within[0] == "BEGIN IMMEDIATE"
    for part in (
        "UPDATE parts SET size",
        "UPDATE alembic_version",
        "UPDATE migration_history SET e",
    ):
        assert sum(one.startswith(part) for one in within) == 1


def test_a_writer_that_does_not_end_is_told_as_one(project, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    project.add("bbb222", "aaa111", ADD)
    with project.engine.connect() as writer:
        writer.execute(sa.text("UPDATE parts SET size = 1"))

        refused = project.door("flask db", "upgrade", "head")

    assert refused.code == causes.Busy.exit_code, refused.err
    assert "database is locked" in refused.err
    assert project.door("flask db", "upgrade", "head").code == 0


def test_what_fails_behind_an_autocommit_block_takes_the_block_with_it(project):
    mistake = 'op.execute("UPDATE nowhere SET x = 1")'
    project.add("bbb222", "aaa111", f"{BLOCK}{ADD}\n{mistake}")

    with pytest.raises(causes.Failed):
        project.upgrade("head")

    assert project.columns("parts") == ["id", "name", "size"]
