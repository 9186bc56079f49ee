"""What a killed run has done and not counted is forgiven to the next run, and nothing else is.

On PostgreSQL only: on SQLite each run begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate import causes
from agentlogger.migrate.ledger import history
from agentlogger.migrate.postgresql.answers import is_done
from agentlogger.migrate.run.running import Run
from tests.migrations.project import Project, emptied

READY = """
op.create_table("bins", sa.Column("old", sa.Integer(), unique=True), sa.Column("size", sa.Text()))
op.create_index("taken", "bins", ["size"])
op.execute("ALTER TABLE bins ADD CONSTRAINT small CHECK (old < 9)")
op.execute("CREATE TYPE kind AS ENUM ('a')")
"""

BLOCK = 'with op.get_context().autocommit_block():\n    op.execute("{}")'

REPEATED = [
    "CREATE TABLE more (id integer)",
    "CREATE INDEX CONCURRENTLY ix_old ON bins (old)",
    "ALTER TABLE bins ADD COLUMN code integer",
    "ALTER TABLE bins ADD CONSTRAINT one UNIQUE (size)",
    "ALTER TYPE kind ADD VALUE 'b'",
    "ALTER TYPE kind RENAME TO sort",
    "ALTER TABLE bins RENAME CONSTRAINT small TO little",
    "ALTER TABLE bins RENAME old TO new",
    "DROP INDEX CONCURRENTLY taken",
    "ALTER TABLE ONLY bins DROP CONSTRAINT little",
    "ALTER TABLE bins DROP code",
    "ALTER TABLE bins DROP COLUMN new",
    "ALTER TABLE public.bins RENAME TO boxes",
    "DROP TABLE boxes",
]
"""One after the other: each needs what those before it have done."""

NEVER_DONE = [
    "CREATE INDEX CONCURRENTLY ix_code ON bins (nowhere)",
    "CREATE TABLE more (id integer REFERENCES nowhere)",
    "CREATE TABLE more (id integer CONSTRAINT taken PRIMARY KEY)",
    "ALTER TABLE bins ADD CONSTRAINT taken UNIQUE (size)",
    "ALTER TABLE bins ADD FOREIGN KEY (nowhere) REFERENCES bins (old)",
    "ALTER TABLE nowhere ADD COLUMN code integer",
    "ALTER TABLE nowhere DROP COLUMN old",
    "ALTER TABLE bins ALTER nowhere DROP NOT NULL",
    "ALTER TABLE bins RENAME nowhere TO new",
    "ALTER TABLE nowhere RENAME TO boxes",
]


@pytest.fixture
def project(tmp_path, postgresql_databases) -> Iterator[Project]:
    """A table with what can be dropped and renamed."""
    with emptied(postgresql_databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, READY)
        made.upgrade("head")
        yield made


def killed_before_its_count(project: Project, monkeypatch) -> None:
    """Upgrade until a statement outside a transaction is committed, and no further."""

    def note_nothing(*_arguments, **_options) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(history, "note_part", note_nothing)
        # Who was killed does not tidy up.
        patch.setattr(Run, "_forget", lambda _run: None)
        with pytest.raises(SystemExit):
            project.upgrade("head")


@pytest.fixture
def connection(project) -> Iterator[sa.Connection]:
    """One on which each statement is committed by itself, as in an autocommit block."""
    engine = project.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as made:
        yield made


def fault_of(connection: sa.Connection, statement: str) -> DBAPIError:
    """How PostgreSQL refuses a statement."""
    with pytest.raises(DBAPIError) as refused:
        connection.execute(sa.text(statement))
    return refused.value


def test_a_statement_that_was_carried_out_is_known_by_how_it_is_refused(connection):
    for statement in REPEATED:
        connection.execute(sa.text(statement))

        assert is_done(connection, fault_of(connection, statement)), statement


def test_one_that_was_never_carried_out_is_not_taken_for_done(connection):
    for statement in NEVER_DONE:
        assert not is_done(connection, fault_of(connection, statement)), statement


def test_after_a_kill_what_was_done_is_forgiven_and_nothing_else(project, monkeypatch):
    project.add("bbb222", "aaa111", BLOCK.format("CREATE INDEX first ON bins (size)"))
    killed_before_its_count(project, monkeypatch)
    project.add("bbb222", "aaa111", BLOCK.format(NEVER_DONE[0]))
    with pytest.raises(causes.Failed, match="stopped revision bbb222"):
        project.upgrade("head", "allow-edited=bbb222")
    assert project.heads() == "aaa111"
    project.add("bbb222", "aaa111", BLOCK.format("CREATE INDEX first ON bins (size)"))

    project.upgrade("head")

    assert project.heads() == "bbb222"
