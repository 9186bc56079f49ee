"""A downgrade is refused while a program is alive that needs what it takes away."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from agentlogger.migrate import causes
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.ledger.window import refuse_while_newer_lives
from agentlogger.migrate.revisions.declared import Declared
from tests.conftest import SQLiteDatabases
from tests.migrations.project import Project, emptied

TABLE = 'op.create_table("parts", sa.Column("id", sa.Integer()), sa.Column("size", sa.Integer()))'
INDEX = 'op.create_index("ix_size", "parts", ["size"])'
LOOKS_FIRST = """
if "code" in [one["name"] for one in sa.inspect(op.get_bind()).get_columns("parts")]:
    op.drop_column("parts", "code")
"""


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A table, a column and an index, each with its revision."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url, version="2.0")
        made.add("aaa111", None, TABLE, 'op.drop_table("parts")', message="create parts")
        add = 'op.add_column("parts", sa.Column("code", sa.Text()))'
        drop = 'op.drop_column("parts", "code")'
        made.add("bbb222", "aaa111", add, drop, message="add part code")
        drop = 'op.drop_index("ix_size", "parts")'
        made.add("ccc333", "bbb222", INDEX, drop, message="index part size", phase="online")
        made.upgrade("head")
        yield made


@pytest.fixture
def door(databases) -> str:
    """One door for each database: every command goes by both doors to both in `test_guide`."""
    return "flask db" if isinstance(databases, SQLiteDatabases) else "alembic"


def beat(project: Project, *heads: str, **changes: object) -> None:
    """A program of this process says that it is alive."""
    with project.engine.begin() as connection:
        instances.beat(connection, "2.0", heads, None)
        if changes:
            connection.execute(instances.INSTANCES.update().values(**changes))


def revision(name: str, *parents: str) -> Declared:
    """A revision of a tree."""
    return Declared(name, parents, f"do {name}", "expand", "yes", None, Path(f"{name}.py"), "")


TREE = [revision("a"), revision("b", "a"), revision("c", "b"), revision("other", "a")]


@pytest.mark.parametrize(
    ("heads", "is_refused"),
    [
        (("b",), True),
        (("c",), True),
        (("c", "other"), True),
        (("of-a-newer-program",), True),
        (("a",), False),
        (("other",), False),
        ((), False),
    ],
)
def test_a_program_needs_what_its_heads_stand_on(heads, is_refused):
    running = instances.Instance("2.0", heads, "build-7", 4711, 0, time.time_ns(), None)

    with pytest.raises(causes.NewerAlive) if is_refused else nullcontext():
        refuse_while_newer_lives([TREE[1]], TREE, [running])


def test_what_a_program_that_is_alive_needs_is_taken_back_only_when_somebody_says_so(project, door):
    beat(project, "ccc333")

    refused = project.door(door, "downgrade", "aaa111")

    assert refused.code == causes.NewerAlive.exit_code
    for named in (
        "bbb222 (add part code)", f"2.0 (process {os.getpid()} on ", "stop this one",
        "run the same command again", "-x allow-downgrade=yes",
    ):  # fmt: skip
        assert named in refused.err
    assert project.heads() == "ccc333"
    assert project.columns("parts") == ["id", "size", "code"]
    allowed = project.door(door, "-x", "allow-downgrade=yes", "downgrade", "aaa111")
    assert allowed.code == 0, allowed.err
    assert project.heads() == "aaa111"


def test_a_program_that_is_gone_needs_nothing(project, door):
    long_ago = time.time_ns() - int((instances.EXPIRY_SECONDS + 1) * 10**9)
    beat(project, "ccc333", seen_ns=long_ago, host="elsewhere")

    assert project.door(door, "downgrade", "base").code == 0
    assert project.tables() == set()


def test_what_no_program_asks_for_is_taken_back_unless_something_is_dropped(project):
    """An index, or rows that are changed; the programs that are alive go on with or without."""
    for down, is_refused in (
        ('op.drop_column("parts", "code")', True),
        ('op.execute("ALTER TABLE parts DROP COLUMN code")', True),
        (LOOKS_FIRST, True),
        ('op.execute("UPDATE parts SET code = NULL")', False),
        ('op.execute("DELETE FROM parts")', False),
    ):
        told = {"phase": "online", "reversible": "loses data"}
        project.add("ddd444", "ccc333", down=down, **told)
        project.upgrade("head")
        beat(project, "ddd444")
        if is_refused:
            with pytest.raises(causes.NewerAlive, match="ddd444"):
                project.downgrade("-1")
            assert project.door("alembic", "stamp", "ccc333").code == 0
        else:
            project.downgrade("-1")
        assert project.heads() == "ccc333"
    project.downgrade("-1")
    assert project.heads() == "bbb222"


def test_an_older_program_takes_nothing_back_while_the_newer_one_is_alive(project):
    kept = project.folder / "newer"
    kept.mkdir()
    for revision in ("bbb222", "ccc333"):
        shutil.move(project.versions / f"{revision}.py", kept)
    beat(project, "ccc333")

    refused = project.door("flask db", "rollback-to-code")

    assert refused.code == causes.NewerAlive.exit_code
    assert "bbb222 (add part code)" in refused.err
    assert project.heads() == "ccc333"

    allowed = project.door("flask db", "rollback-to-code", "-x", "allow-downgrade=yes")

    assert allowed.code == 0, allowed.err
    assert project.heads() == "aaa111"
