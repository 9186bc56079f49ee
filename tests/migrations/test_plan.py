"""`flask db plan`: what an upgrade would do, told before it does it, and nothing of it done."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentlogger.migrate import causes
from tests.migrations.histories import catalogue
from tests.migrations.project import Project, emptied

PARTS = (
    'op.create_table("parts", sa.Column("id", sa.Integer(), primary_key=True),'
    ' sa.Column("name", sa.Text(), nullable=False), sa.Column("size", sa.Integer()))'
)
ADD_NOTE = 'op.add_column("parts", sa.Column("note", sa.String(20), nullable=True))'
DROP_NOTE = 'op.drop_column("parts", "note")'

RESIZE = 'op.execute("UPDATE parts SET size = 1")'
MISSES = 'op.execute("UPDATE nowhere SET size = 1")'

WIDEN = """
with op.batch_alter_table("parts") as batch:
    batch.alter_column("size", type_=sa.BigInteger(), existing_type=sa.Integer())
"""
"""A rewrite on PostgreSQL, a copy of the table on SQLite."""

REQUIRE = """
with op.batch_alter_table("parts") as batch:
    batch.alter_column("size", nullable=False, existing_type=sa.Integer())
"""

POSTGRESQL = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """Three parts, one of which has no size."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")', message="create parts")
        made.upgrade("head")
        made.run("INSERT INTO parts VALUES (1, 'bolt', 5), (2, 'nut', 7), (3, 'washer', NULL)")
        yield made


def planned(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    """The plan as JSON has it."""
    outcome = project.door("flask db", "plan", "--json", *words)
    assert outcome.code == code, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def only(found: dict[str, Any]) -> dict[str, Any]:
    """The one revision of a plan."""
    (revision,) = found["revisions"]
    return dict(revision)


def texts(revision: dict[str, Any]) -> list[str]:
    """What a revision executes."""
    return [statement["sql"] for statement in revision["statements"]]


def statement(revision: dict[str, Any], beginning: str) -> dict[str, Any]:
    """The statement that begins so."""
    (found,) = [one for one in revision["statements"] if one["sql"].startswith(beginning)]
    return dict(found)


def state(project: Project) -> Any:
    """All that a plan must leave as it is."""
    if project.url.get_backend_name() == "sqlite":
        path = Path(str(project.url.database))
        beside = sorted(one.name for one in path.parent.glob(f"{path.name}*"))
        return hashlib.sha256(path.read_bytes()).hexdigest(), beside
    counted = project.rows(
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY relname"
    )
    return catalogue(project.url), project.rows("SELECT * FROM parts ORDER BY id"), counted


def scratches(project: Project) -> list[Any]:
    """The scratch databases that there are on the server."""
    if project.url.get_backend_name() == "sqlite":
        return []
    return project.rows("SELECT datname FROM pg_database WHERE datname LIKE 'migration_scratch_%'")


def test_that_nothing_is_pending_is_said(project):
    outcome = project.door("flask db", "plan")

    assert outcome.code == 0, outcome.err
    assert "Nothing is pending." in outcome.out
    assert planned(project)["revisions"] == []


def test_a_data_step_shows_with_the_sql_that_it_really_executes(project):
    up = """
    column = "si" + "ze"
    for row in op.get_bind().execute(sa.text("SELECT id FROM parts WHERE size IS NULL")).all():
        op.get_bind().execute(
            sa.text(f"UPDATE parts SET {column} = :new WHERE id = :id"), {"new": 9, "id": row.id}
        )
    """
    project.add("bbb222", "aaa111", up)

    revision = only(planned(project))

    update = statement(revision, "UPDATE")
    assert "UPDATE parts SET size =" in update["sql"]
    assert "9" in update["parameters"]
    assert update["rows_written"] == 1
    assert (update["file"], update["line"]) == ("migrations/versions/bbb222.py", 20)
    source = (project.versions / "bbb222.py").read_text().splitlines()
    assert "op.get_bind().execute(" in source[19]


def test_nothing_of_the_database_is_changed_and_no_scratch_is_left(project):
    project.add("bbb222", "aaa111", f"{ADD_NOTE}\n{RESIZE}")
    project.add("ccc333", "bbb222", WIDEN)
    project.rows("SELECT 1")
    before = state(project)

    assert len(planned(project)["revisions"]) == 2

    assert state(project) == before
    assert scratches(project) == []


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_server_that_writes_is_not_disturbed_and_its_last_rows_are_seen(project):
    """On SQLite only, where what a server wrote last is in a log beside the file."""
    project.add("bbb222", "aaa111", 'op.execute("UPDATE parts SET size = 1")')
    path = Path(str(project.url.database))
    with closing(sqlite3.connect(path, isolation_level=None)) as server:
        server.execute("INSERT INTO parts VALUES (4, 'gear', 1)")
        log = path.with_name(f"{path.name}-wal")
        before = path.read_bytes(), log.read_bytes()

        found = planned(project)

        assert found["tables"]["parts"]["rows"] == 4
        assert (path.read_bytes(), log.read_bytes()) == before
        server.execute("INSERT INTO parts VALUES (5, 'cog', 1)")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_a_killed_server_has_left_is_seen_and_left_as_it_is(project):
    """On SQLite only. Red when a connection that may write looks: it would clear the log away."""
    project.add("bbb222", "aaa111", 'op.execute("UPDATE parts SET size = 1")')
    path = Path(str(project.url.database))
    killed = path.with_name(f"killed-{path.name}")
    log = killed.with_name(f"{killed.name}-wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as server:
        server.execute("INSERT INTO parts VALUES (4, 'gear', 1)")
        shutil.copy(path, killed)
        shutil.copy(f"{path}-wal", log)
    project.app.config["MIGRATE_DATABASE_URL"] = f"sqlite:///{killed}"
    before = killed.read_bytes(), log.read_bytes()

    found = planned(project)

    assert found["tables"]["parts"]["rows"] == 4
    assert (killed.read_bytes(), log.read_bytes()) == before


def test_a_revision_that_would_fail_ends_the_plan_with_its_statement(project):
    project.add("bbb222", "aaa111", f"{ADD_NOTE}\n{MISSES}")
    project.add("ccc333", "bbb222")
    before = state(project)

    outcome = project.door("flask db", "plan")

    assert outcome.code == causes.Failed.exit_code
    for named in ("bbb222", "migrations/versions/bbb222.py, line 19", "UPDATE nowhere", "again"):
        assert named in outcome.err
    assert "FAILS" in outcome.out
    assert "ALTER TABLE parts ADD" in outcome.out
    assert "Traceback" not in outcome.err
    assert state(project) == before
    assert scratches(project) == []


def test_a_row_that_would_stop_a_revision_is_met_before(project):
    """Red when the scratch database has no rows of the live one."""
    project.add("bbb222", "aaa111", REQUIRE)

    found = planned(project, code=causes.Failed.exit_code)

    assert found["failure"]["revision"] == "bbb222"
    assert "null" in found["failure"]["reason"].lower()
    assert only(found)["safe"] is False
    project.run("UPDATE parts SET size = 0 WHERE size IS NULL")
    assert planned(project)["failure"] is None


def test_a_mistake_in_a_revisions_own_code_is_named_by_its_line(project):
    project.add("bbb222", "aaa111", f"{ADD_NOTE}\nlen(7)")

    found = planned(project, code=causes.Failed.exit_code)

    assert found["failure"]["line"] == 19
    assert found["failure"]["sql"] is None
    assert found["failure"]["reason"].startswith("TypeError")


def test_the_whole_of_a_history_is_planned_for_an_empty_database(tmp_path, databases):
    with emptied(databases) as url:
        project = Project(tmp_path / "project", url)
        project.add("aaa111", None, PARTS)
        project.add("bbb222", "aaa111", ADD_NOTE)
        if url.get_backend_name() == "sqlite":
            # A file that is not there is no database yet.
            project.run("CREATE TABLE other (id INTEGER)", "DROP TABLE other")

        found = planned(project)

        assert [one["revision"] for one in found["revisions"]] == ["aaa111", "bbb222"]
        assert found["safe"] is True
        assert project.heads() == ""


def test_a_destination_is_planned_and_nothing_after_it(project):
    for revision, parent in (("bbb222", "aaa111"), ("ccc333", "bbb222"), ("ddd444", "ccc333")):
        project.add(revision, parent)

    for destination, planned_ones in (
        ("ccc333", ["bbb222", "ccc333"]),
        ("+1", ["bbb222"]),
        ("head", ["bbb222", "ccc333", "ddd444"]),
    ):
        found = planned(project, destination)
        assert [one["revision"] for one in found["revisions"]] == planned_ones
    unknown = project.door("flask db", "plan", "ccc334")
    assert unknown.code == causes.Unknown.exit_code
    assert "Did you mean ccc333" in unknown.err


def test_a_database_that_is_ahead_is_told_as_an_upgrade_tells_it(project):
    """Red when the plan replays a history whose newest revisions it does not have."""
    newer = project.add("bbb222", "aaa111", ADD_NOTE, phase="expand")
    project.upgrade()
    newer.unlink()

    bearable = project.door("flask db", "plan")
    project.add("ccc333", "aaa111")
    refused = project.door("flask db", "plan")

    assert bearable.code == 0, bearable.err
    assert "Nothing is pending." in bearable.out
    assert "bbb222" in bearable.out
    assert refused.code == causes.Ahead.exit_code


def test_an_expand_stops_before_the_first_contract(project):
    project.add("bbb222", "aaa111", ADD_NOTE)
    project.add("ccc333", "bbb222", DROP_NOTE, phase="contract")

    expand = planned(project, "--phase", "expand")
    whole = planned(project)

    assert [one["revision"] for one in expand["revisions"]] == ["bbb222"]
    assert any("--phase contract" in note for note in expand["notes"])
    assert [one["condition"] for one in whole["revisions"]] == [
        None,
        "after the old program is gone",
    ]
    outcome = project.door("flask db", "plan")
    assert "yes, after the old program is gone" in outcome.out


def test_what_goes_for_good_and_what_a_downgrade_takes_is_said(project):
    up = 'op.drop_column("parts", "size")'
    down = 'op.add_column("parts", sa.Column("size", sa.Integer()))'
    project.add("bbb222", "aaa111", up, down, phase="contract", reversible="loses data")
    project.add("ccc333", "bbb222", ADD_NOTE, DROP_NOTE)
    project.add("ddd444", "ccc333", reversible="the tape was overwritten")

    drop, add, gone = planned(project)["revisions"]

    assert drop["upgrade_takes"] == ["column parts.size, with 2 rows"]
    assert add["upgrade_takes"] == []
    assert add["downgrade_takes"] == ["column parts.note"]
    assert gone["reversible"] == "the tape was overwritten"
    out = project.door("flask db", "plan").out
    assert "yes; the downgrade takes column parts.note" in out
    assert "no: the tape was overwritten" in out


def test_a_rewritten_table_is_named(project):
    """Red when the files, or on SQLite the copies, of tables are not compared."""
    project.add("bbb222", "aaa111", WIDEN)

    revision = only(planned(project))

    assert {name for one in revision["statements"] for name in one["rewrites"]} == {"parts"}


@POSTGRESQL
def test_a_longer_text_rewrites_nothing(project):
    """On PostgreSQL only: SQLite has no lengths, and copies the table all the same."""
    project.add("bbb222", "aaa111", ADD_NOTE)
    longer = 'op.alter_column("parts", "note", type_=sa.String(40), existing_type=sa.String(20))'
    project.add("ccc333", "bbb222", longer)

    _, revision = planned(project)["revisions"]

    assert statement(revision, "ALTER")["rewrites"] == []
    assert statement(revision, "ALTER")["locks"] == {"parts": "ACCESS EXCLUSIVE"}


def test_a_revision_cannot_reach_the_live_database_by_another_connection(project):
    up = """
    from flask import current_app
    db = current_app.extensions["sqlalchemy"]
    db.session.execute(sa.text("DELETE FROM parts"))
    db.session.commit()
    """
    project.add("bbb222", "aaa111", up)

    outcome = project.door("flask db", "plan")

    assert outcome.code == causes.Failed.exit_code
    assert "op.get_bind()" in outcome.err
    assert project.rows("SELECT count(*) FROM parts") == [3]
    assert scratches(project) == []


def test_what_a_revision_prints_does_not_stand_in_the_plan(project):
    project.add("bbb222", "aaa111", 'print("printed by the revision")')

    assert only(planned(project))["revision"] == "bbb222"


def test_the_keys_of_the_json_are_a_promise(project):
    project.add("bbb222", "aaa111", ADD_NOTE)

    found = planned(project)

    assert list(found) == [
        "database", "program", "revision", "destination", "phase", "simulated", "notes", "tables",
        "long_transactions", "revisions", "seconds", "safe", "failure",
    ]  # fmt: skip
    assert list(only(found)) == [
        "revision", "message", "file", "phase", "release", "reversible", "upgrade_takes",
        "downgrade_takes", "safe", "condition", "reason", "complete", "seconds", "code_seconds",
        "commit_seconds", "waits", "statements",
    ]  # fmt: skip
    assert list(statement(only(found), "ALTER")) == [
        "sql", "parameters", "file", "line", "simulated", "executions", "seconds",
        "measured_seconds", "transaction", "rows_read", "rows_written", "locks", "rewrites",
        "indexes", "error",
    ]  # fmt: skip
    assert found["tables"] == {"parts": {"rows": 3, "exact": True, "sampled": 3, "reason": None}}


def test_a_password_is_not_shown(project):
    assert "hunter2" not in json.dumps(planned(project))
