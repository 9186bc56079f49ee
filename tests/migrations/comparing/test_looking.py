"""A comparison looks, and leaves everything as it is; others' comparisons are left to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.util import PriorityDispatcher
from sqlalchemy.engine import URL

from agentlogger.migrate import causes, environment
from agentlogger.migrate.comparing import plugin
from tests.migrations.comparing.stage import said
from tests.migrations.project import Project, emptied

PARTS = """
op.create_table(
    "parts",
    sa.Column("id", sa.Integer(), nullable=False),
    sa.Column("size", sa.Integer(), server_default="1"),
    sa.PrimaryKeyConstraint("id", name="pk_parts"),
    sa.CheckConstraint("size > 0", name="ck_parts_size"),
)
op.create_index("ix_parts_size", "parts", ["size"])
"""


@pytest.fixture
def project(tmp_path, databases) -> Iterator[Project]:
    """A table with a default, a CHECK and an index; in the models each says something else."""
    with emptied(databases) as url:
        made = Project(tmp_path / "project", url)
        made.add("aaa111", None, PARTS, 'op.drop_table("parts")')
        made.upgrade("head")
        made.run("INSERT INTO parts VALUES (1, 5)")
        sa.Table(
            "parts",
            made.metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("size", sa.Integer, server_default="2"),
            sa.CheckConstraint("size > 1", name="ck_parts_size"),
            sa.Index(
                "ix_parts_size",
                "size",
                postgresql_where=sa.text("size > 3"),
                sqlite_where=sa.text("size > 3"),
            ),
        )
        yield made


def test_check_ends_with_its_own_code_by_both_doors_and_shows_each_difference(project, door):
    outcome = project.door(door, "check")

    assert outcome.code == causes.Differs.exit_code
    for words in ("server_default='2'", "size > 1", "size > 3"):
        assert words in outcome.err


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_no_byte_of_a_file_changes(project, door):
    """On SQLite only, where the database is one."""

    def digest() -> str:
        return hashlib.sha256(Path(str(project.url.database)).read_bytes()).hexdigest()

    before = digest()
    project.door(door, "check")

    assert digest() == before


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_nothing_is_left_in_a_server_and_no_sequence_counts(project, door):
    """On PostgreSQL only: SQLite has neither temporary schemas of others nor sequences."""
    everything = "SELECT count(*) FROM pg_class"
    project.run("CREATE SEQUENCE counts", "ALTER TABLE parts ADD n integer")
    project.run("ALTER TABLE parts ALTER n SET DEFAULT nextval('counts')")
    default = sa.text("nextval('counts') + 0")
    project.metadata.tables["parts"].append_column(
        sa.Column("n", sa.Integer, server_default=default)
    )
    before = project.rows(everything)

    outcome = project.door(door, "check")

    assert "nextval('counts') + 0" in outcome.err
    assert project.rows(everything) == before
    assert project.rows("SELECT is_called FROM counts") == [False]


@pytest.fixture
def looker(project) -> Iterator[URL]:
    """A role that may read, and may not make temporary tables."""
    name = project.url.database
    project.run(
        "DO $$ BEGIN CREATE ROLE looker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC',
        "GRANT USAGE ON SCHEMA public TO looker",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker",
    )
    yield project.url.set(username="looker")
    project.run(f'GRANT TEMPORARY ON DATABASE "{name}" TO PUBLIC')


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_role_without_temporary_tables_is_told_what_was_not_compared(
    project, door, looker, monkeypatch
):
    """On PostgreSQL only: SQLite has no roles."""
    monkeypatch.setattr(environment, "database_url", lambda _app: looker)

    outcome = project.door(door, "check")

    (sentence,) = said(outcome)
    assert "cannot tell how it would make parts of the models" in sentence
    assert "permission denied" in sentence
    assert "`flask db drift`" in sentence


def test_another_project_of_this_process_is_compared_as_ever(project):
    """The plugin is known to Alembic, and used where a context names it."""
    with project.engine.connect() as connection:
        theirs = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name == "parts"},
        )
        found = compare_metadata(theirs, project.metadata)
    comparators = PriorityDispatcher()
    Plugin.populate_autogenerate_priority_dispatch(comparators, list(plugin.ALEMBICS))
    names = {function.__module__ for each in comparators._registry.values() for function, _ in each}

    assert found == []
    assert names
    assert not any(name.startswith("agentlogger") for name in names)


def test_the_plugins_that_a_project_names_are_used_beside_ours():
    told = plugin.arguments({"autogenerate_plugins": ["alembic.autogenerate.types"]}, object)

    assert told["autogenerate_plugins"][0] == "alembic.autogenerate.types"
    assert plugin.NAME in told["autogenerate_plugins"]
    assert plugin.arguments({}, object)["autogenerate_plugins"][0] == "alembic.autogenerate.*"
