"""`flask db plan`: which locks a revision takes, for how long, and whether a server may serve."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa

from agentlogger.migrate.postgresql import tables
from agentlogger.migrate.postgresql.lock_modes import MODES, mode_by_text
from tests.migrations.test_plan import (
    ADD_NOTE,
    POSTGRESQL,
    WIDEN,
    only,
    planned,
    project,
    statement,
)

pytestmark = pytest.mark.promise

__all__ = ["project"]

SLOW = 'op.execute("SELECT pg_sleep(0.35)")'
"""Alone short enough for a lock, and twice too long."""

CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.create_index("ix_parts_size", "parts", ["size"], postgresql_concurrently=True)
"""

VALIDATE = """
op.create_check_constraint("ck_parts_size", "parts", "size > 0", postgresql_not_valid=True)
with op.get_context().autocommit_block():
    op.execute("DO $$ BEGIN ALTER TABLE parts VALIDATE CONSTRAINT ck_parts_size; END $$")
"""
"""By its text, nobody would know which lock the second takes."""


@POSTGRESQL
def test_a_lock_is_held_until_the_revision_ends(project):
    """On PostgreSQL only: SQLite has one lock. Red when a lock counts for its statement alone."""
    project.add("bbb222", "aaa111", f"{ADD_NOTE}\n{SLOW}\n{SLOW}")
    project.add(
        "ccc333", "bbb222", f'{SLOW}\n{SLOW}\nop.add_column("parts", sa.Column("x", sa.Integer()))'
    )

    early, late = planned(project)["revisions"]

    assert early["safe"] is False
    assert "ACCESS EXCLUSIVE on parts stops reads and writes" in early["reason"]
    assert late["safe"] is True
    (wait,) = early["waits"]
    assert 0.6 < wait["seconds"] < early["seconds"]


@POSTGRESQL
def test_a_lock_on_a_table_of_the_same_revision_stops_nobody(project):
    """On PostgreSQL only: SQLite has one lock."""
    up = f'op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True))\n{SLOW}'
    project.add("bbb222", "aaa111", up)

    assert only(planned(project))["waits"] == []


@POSTGRESQL
def test_an_index_that_is_built_concurrently_stops_nobody(project):
    """On PostgreSQL only: SQLite has no other way to build one than the plain one."""
    project.add("bbb222", "aaa111", CONCURRENTLY)
    project.add("ccc333", "bbb222", 'op.create_index("ix_parts_name", "parts", ["name"])')

    gentle, plain = planned(project)["revisions"]

    assert statement(gentle, "CREATE INDEX")["locks"] == {"parts": "SHARE UPDATE EXCLUSIVE"}
    assert statement(gentle, "CREATE INDEX")["indexes"] == ["parts"]
    assert (gentle["safe"], gentle["waits"]) == (True, [])
    assert statement(plain, "CREATE INDEX")["locks"] == {"parts": "SHARE"}


@POSTGRESQL
def test_what_runs_outside_a_transaction_shows_its_real_lock(project):
    """On PostgreSQL only. Red when locks are looked for after the statement has given them back."""
    project.add("bbb222", "aaa111", VALIDATE)

    revision = only(planned(project))

    validate = statement(revision, "DO")
    assert validate["locks"] == {"parts": "SHARE UPDATE EXCLUSIVE"}
    assert validate["rows_read"] == 3


@POSTGRESQL
def test_a_statement_that_fails_outside_a_transaction_may_be_caught(project):
    """On PostgreSQL only: SQLite leaves no transaction that is aborted."""
    up = """
    with op.get_context().autocommit_block():
        try:
            op.execute("ALTER TABLE parts ADD CONSTRAINT ck_parts_name CHECK (name = 'nut')")
        except sa.exc.IntegrityError:
            op.execute("DELETE FROM parts WHERE name <> 'nut'")
    """
    project.add("bbb222", "aaa111", up)

    revision = only(planned(project))

    assert "violated" in statement(revision, "ALTER TABLE")["error"]
    assert statement(revision, "DELETE")["rows_written"] == 2


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_one_write_lock_is_held_for_the_whole_revision(project):
    """On SQLite only: PostgreSQL locks tables."""
    project.add("bbb222", "aaa111", f"import time\n{WIDEN}\ntime.sleep(0.2)", block_max="100ms")
    project.add("ccc333", "bbb222", ADD_NOTE)

    slow, quick = planned(project)["revisions"]

    assert slow["safe"] is False
    assert slow["reason"].startswith("WRITE on the database stops writes for 2")
    assert slow["code_seconds"] > 0.19
    assert quick["safe"] is True


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_only_asks_the_catalogue_is_not_told(project):
    """On SQLite only, whose tables are told apart by what is prepared, Alembic's own too."""
    look = 'op.get_bind().execute(sa.text("SELECT name FROM sqlite_master")).all()'
    project.add("bbb222", "aaa111", look)
    project.add("ccc333", "bbb222", look)

    assert [one["statements"] for one in planned(project)["revisions"]] == [[], []]


@POSTGRESQL
def test_a_long_transaction_that_would_be_waited_for_is_shown(project, monkeypatch):
    """On PostgreSQL only: SQLite does not tell of others. It need not be long here."""
    query = str(tables.LONG_TRANSACTIONS).replace("interval '5 seconds'", "interval '0 seconds'")
    monkeypatch.setattr(tables, "LONG_TRANSACTIONS", sa.text(query))
    project.add("bbb222", "aaa111", ADD_NOTE)
    with closing(project.engine.connect()) as other:
        other.execute(sa.text("SELECT count(*) FROM parts"))

        found = planned(project)
        out = project.door("flask db", "plan").out

    assert len(found["long_transactions"]) == 1
    assert "Waits for" in out


@pytest.mark.parametrize(
    ("sql", "mode"),
    [
        ("CREATE INDEX i ON t (a)", "SHARE"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "SHARE UPDATE EXCLUSIVE"),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", "SHARE UPDATE EXCLUSIVE"),
        ("ALTER TABLE t ADD COLUMN a int", "ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (b)", "SHARE ROW EXCLUSIVE"),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "ACCESS EXCLUSIVE"),
        ("CREATE TRIGGER x AFTER UPDATE ON t EXECUTE FUNCTION f()", "SHARE ROW EXCLUSIVE"),
        ("UPDATE t SET a = 1", "ROW EXCLUSIVE"),
        ("SELECT a FROM t FOR UPDATE", "ROW SHARE"),
        ("SELECT a FROM t", "ACCESS SHARE"),
        ("DROP TABLE t", "ACCESS EXCLUSIVE"),
        ("TRUNCATE t", "ACCESS EXCLUSIVE"),
        ("VACUUM t", "SHARE UPDATE EXCLUSIVE"),
        ("CREATE TABLE t (a int)", None),
        ("CREATE EXTENSION x", None),
    ],
)
def test_a_statements_text_tells_the_lock_that_the_manual_says(sql, mode):
    assert mode_by_text(sql) == mode
    assert mode is None or mode in MODES
