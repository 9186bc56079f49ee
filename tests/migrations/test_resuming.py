"""A revision that was killed in the middle is finished by the next run, and nothing is done twice.

A kill is an exit here, which leaves the database as a kill does; real ones are in `tests/promises`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from agentlogger.migrate import causes
from agentlogger.migrate.ledger import history
from agentlogger.migrate.run.running import Run
from tests.migrations.project import Project, emptied

PARTS = """
op.create_table("parts", sa.Column("id", sa.Integer()), sa.Column("size", sa.Integer()))
op.execute("INSERT INTO parts VALUES (1, 10), (2, 20)")
"""

LONG = """
from tests.migrations.test_resuming import reach
with op.batch_alter_table("parts") as batch:
    batch.add_column(sa.Column("code", sa.Integer(), server_default="0"))
    batch.add_column(sa.Column("kind", sa.Text()))
reach("a column")
op.execute("UPDATE parts SET size = size + 1")
op.get_bind().execute(sa.text("INSERT INTO parts (id, size) VALUES (:id, 0)"), {"id": 100})
reach("rows")
with op.get_context().autocommit_block():
    reach("the block")
    op.create_index("ix_code", "parts", ["code"], postgresql_concurrently=True)
    reach("an index")
    op.execute("UPDATE parts SET code = code + 1")
    reach("codes")
    op.get_bind().execute(sa.text("INSERT INTO parts (id, size) VALUES (101, 0)"))
    for number in (200, 201, 202):
        op.execute(f"INSERT INTO parts (id, size) VALUES ({number}, 0)")
        reach(f"row {number}")
    with op.batch_alter_table("parts") as batch:
        batch.create_index("ix_size", ["size"])
        batch.create_index("ix_kind", ["kind"])
reach("the end of the block")
op.execute("UPDATE parts SET size = size * 2")
op.create_table("more", sa.Column("id", sa.Integer()))
reach("the end")
"""

MOMENTS = (
    "a column", "rows", "the block", "an index", "codes", "row 200", "row 201", "row 202",
    "the end of the block", "the end",
)  # fmt: skip

kill_at: list[str] = []
"""Where the next run ends."""


def reach(place: str) -> None:
    """What the revisions here call between their statements."""
    if place in kill_at:
        raise SystemExit(9)


FORGET = Run._forget


def forget_unless_killed(run: Run) -> None:
    """What a run does that has failed, and not one that was killed."""
    if not isinstance(sys.exc_info()[1], SystemExit):
        FORGET(run)


@pytest.fixture
def project(tmp_path, databases, monkeypatch) -> Iterator[Project]:
    """A table with two rows."""
    monkeypatch.setattr("tests.migrations.test_resuming.kill_at", [])
    # Who was killed does not tidy up.
    monkeypatch.setattr(Run, "_forget", forget_unless_killed)
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")')
        made.upgrade("head")
        yield made


def killed(project: Project, place: str = "") -> None:
    """Upgrade as far as there."""
    kill_at[:] = [place]
    with pytest.raises(SystemExit):
        project.upgrade("head")
    kill_at.clear()


def state(project: Project) -> tuple:
    """Every row, and every index with its validity."""
    indexes = sa.inspect(project.engine).get_indexes("parts")
    return (
        project.rows("SELECT id, size, code FROM parts ORDER BY id"),
        project.tables(),
        sorted(str(one["name"]) for one in indexes),
        project.rows("SELECT revision, direction FROM migration_history WHERE ended_ns > 0"),
        project.heads(),
    )


WHOLE = (
    [(1, 22, 1), (2, 42, 1), (100, 0, 1), (101, 0, 0), (200, 0, 0), (201, 0, 0), (202, 0, 0)],
    {"parts", "more"},
    ["ix_code", "ix_kind", "ix_size"],
    [("aaa111", "up"), ("bbb222", "up")],
    "bbb222",
)


def test_undisturbed_a_revision_does_each_thing_once(project):
    project.add("bbb222", "aaa111", LONG)

    project.upgrade("head")

    assert state(project) == WHOLE


@pytest.mark.parametrize("place", MOMENTS)
def test_after_a_kill_the_next_run_does_what_is_left(project, place):
    project.add("bbb222", "aaa111", LONG)
    killed(project, place)
    assert project.heads() == "aaa111"

    project.upgrade("head")

    assert state(project) == WHOLE


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_after_a_kill_at_every_moment_in_turn_likewise(project):
    """On PostgreSQL only: on SQLite each run begins anew."""
    project.add("bbb222", "aaa111", LONG)
    for place in MOMENTS:
        killed(project, place)

    project.upgrade("head")

    assert state(project) == WHOLE


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("count", range(7))
def test_what_was_done_and_not_counted_is_not_done_again(project, monkeypatch, count):
    """On PostgreSQL only, likewise. Each statement in the block is killed before it is counted."""
    project.add("bbb222", "aaa111", LONG)
    note, left = history.note_part, [count]

    def note_until(*arguments, **options) -> None:
        if left[0] == 0:
            raise SystemExit(9)
        left[0] -= 1
        note(*arguments, **options)

    monkeypatch.setattr(history, "note_part", note_until)
    killed(project)
    monkeypatch.setattr(history, "note_part", note)

    project.upgrade("head")

    assert state(project) == WHOLE


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_step_that_is_decided_by_reading_is_not_mistaken_for_another(project):
    """On PostgreSQL only, likewise. Counted by number, the second index would be left out."""
    project.add(
        "bbb222",
        "aaa111",
        """
        from tests.migrations.test_resuming import reach
        names = [one["name"] for one in sa.inspect(op.get_bind()).get_columns("parts")]
        if "code" not in names:
            op.add_column("parts", sa.Column("code", sa.Integer()))
        with op.get_context().autocommit_block():
            op.create_index("ix_code", "parts", ["code"], postgresql_concurrently=True)
            reach("an index")
            op.create_index("ix_size", "parts", ["size"], postgresql_concurrently=True)
        """,
    )
    killed(project, "an index")

    project.upgrade("head")

    assert state(project)[2] == ["ix_code", "ix_size"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_loop_that_goes_by_its_results_comes_to_its_end(project):
    """On PostgreSQL only, likewise. What a statement has answered is not made up."""
    project.add(
        "bbb222",
        "aaa111",
        """
        from tests.migrations.test_resuming import reach
        connection = op.get_bind()
        op.add_column("parts", sa.Column("code", sa.Integer()))
        fill = sa.text(
            "UPDATE parts SET code = 1 WHERE id IN"
            " (SELECT id FROM parts WHERE code IS NULL ORDER BY id LIMIT 10)"
        )
        with op.get_context().autocommit_block():
            op.execute("INSERT INTO parts (id) SELECT generate_series(10, 99)")
            while connection.execute(fill).rowcount:
                reach("a batch")
        """,
    )
    killed(project, "a batch")

    project.upgrade("head")

    assert project.rows("SELECT count(*), count(code) FROM parts") == [(92, 92)]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_downgrade_in_parts_is_finished_too(project):
    """On PostgreSQL only, likewise."""
    up = 'op.create_index("ix_one", "parts", ["id"])\nop.create_index("ix_two", "parts", ["size"])'
    down = """
    from tests.migrations.test_resuming import reach
    op.execute("UPDATE parts SET size = size + 1")
    with op.get_context().autocommit_block():
        op.drop_index("ix_one", "parts", postgresql_concurrently=True)
        reach("a drop")
        op.drop_index("ix_two", "parts", postgresql_concurrently=True)
    """
    project.add("bbb222", "aaa111", up, down)
    project.upgrade("head")
    kill_at.append("a drop")
    with pytest.raises(SystemExit):
        project.downgrade("-1")
    kill_at.clear()
    assert project.heads() == "bbb222"

    project.downgrade("-1")

    assert project.heads() == "aaa111"
    assert sa.inspect(project.engine).get_indexes("parts") == []
    assert project.rows("SELECT sum(size) FROM parts") == [32]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("block", ["", "with op.get_context().autocommit_block():\n    "])
def test_a_server_process_that_ends_is_told_and_the_next_run_goes_on(project, block):
    """On PostgreSQL only, likewise; in a transaction and outside of one."""
    add = 'op.add_column("parts", sa.Column("code", sa.Integer()))\n'
    end = 'op.execute("SELECT pg_terminate_backend(pg_backend_pid())")'
    path = project.add("bbb222", "aaa111", f"{add}{block}{end}")

    outcome = project.door("flask db", "upgrade")

    assert outcome.code == causes.Failed.exit_code, outcome.err
    assert "Traceback" not in outcome.err
    assert "stopped revision bbb222" in outcome.err
    assert "PendingRollback" not in outcome.err
    assert project.heads() == "aaa111"
    path.write_text(path.read_text().replace("pg_terminate_backend(pg_backend_pid())", "1"))
    project.upgrade("head", "allow-edited=bbb222")
    assert "code" in [one["name"] for one in sa.inspect(project.engine).get_columns("parts")]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_half_applied_revision_that_was_edited_does_not_go_on(project):
    """On PostgreSQL only, likewise."""
    path = project.add("bbb222", "aaa111", LONG)
    killed(project, "an index")
    before = path.read_text()
    path.write_text(before.replace("size * 2", "size * 3"))

    with pytest.raises(
        causes.Edited, match=r"half applied by .*--source bbb222 --output"
    ) as refused:
        project.upgrade("head")

    assert "bbb222.py" in str(refused.value)
    path.write_text(before)
    project.upgrade("head")
    assert state(project) == WHOLE


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_what_fails_in_a_block_can_be_corrected(project):
    """On PostgreSQL only, likewise. It was not killed: it has said what is wrong with it."""
    block = "with op.get_context().autocommit_block():\n"
    index = '    op.create_index("ix_{0}", "parts", ["{0}"], postgresql_concurrently=True)\n'
    project.add("bbb222", "aaa111", block + index.format("nowhere"))
    with pytest.raises(causes.Failed, match="nowhere"):
        project.upgrade("head")
    project.add("bbb222", "aaa111", block + index.format("id") + index.format("nowhere"))
    with pytest.raises(causes.Failed, match="nowhere"):
        project.upgrade("head")
    project.add("bbb222", "aaa111", block + index.format("id") + index.format("size"))

    with pytest.raises(causes.Edited, match=r"-x allow-edited=bbb222"):
        project.upgrade("head")
    project.upgrade("head", "allow-edited=bbb222")

    indexes = sa.inspect(project.engine).get_indexes("parts")
    assert {one["name"] for one in indexes} == {"ix_id", "ix_size"}


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_an_index_that_a_killed_build_left_invalid_is_built_anew(project):
    """On PostgreSQL only, likewise; by Alembic's operation, and by SQL of the revision's own."""
    block = "with op.get_context().autocommit_block():\n    "
    project.add(
        "bbb222",
        "aaa111",
        f'{block}op.create_index("ix_size", "parts", ["size"], postgresql_concurrently=True)\n'
        '    op.execute("CREATE INDEX CONCURRENTLY ix_id ON parts (id)")',
    )
    project.run(
        'CREATE INDEX "ix_size" ON parts (size)',
        "CREATE INDEX ix_id ON parts (id)",
        "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'parts'::regclass",
    )

    project.upgrade("head")

    valid = "SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = 'parts'::regclass"
    assert project.rows(valid) == [2]


def test_status_and_log_tell_of_what_was_interrupted(project):
    project.add("bbb222", "aaa111", LONG)
    killed(project, "an index")

    assert "bbb222 (up, 2" in project.door("flask db", "status").out
    lines = project.door("flask db", "log").out.splitlines()
    assert [line.split()[2:6] for line in lines] == [
        ["up", "bbb222", "expand", "killed"], ["up", "aaa111", "expand", lines[1].split()[5]]
    ]  # fmt: skip
