"""The history makes what the models say, up and down, and the migration room keeps data."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.util import CommandError

from agentlogger.app import create_app
from agentlogger.migrate.ledger import tables
from agentlogger.migrate.revisions.rendering import render_item
from agentlogger.models.database import Base, db
from agentlogger.store.postgresql import backend as postgresql
from tests.conftest import settings_for
from tests.migrations.checkout import ROOT
from tests.migrations.schema_text import schema_text
from tests.newest_revision import HEAD, NEWEST

BRANCHES = "branch_labels = None\ndepends_on = None\n"


@pytest.fixture
def fresh_app(empty_database_url, tmp_path):
    """The application on an empty database."""
    app = create_app(settings_for(empty_database_url, tmp_path))
    with app.app_context():
        yield app
        db.engine.dispose()


def configuration(app, **options):
    return app.extensions["migrations"].configuration(quiet=True, **options)


def test_each_revision_goes_up_down_and_up_again(fresh_app):
    config = configuration(fresh_app)
    for _ in NEWEST:
        command.upgrade(config, "+1")
        there = schema_text(db.engine)
        command.downgrade(config, "-1")
        command.upgrade(config, "+1")

        assert schema_text(db.engine) == there
    command.downgrade(config, "base")
    left = set(sa.inspect(db.engine).get_table_names())
    assert left == {"alembic_version", *tables.NAMES}


def test_the_schema_of_all_revisions_is_the_committed_text(fresh_app):
    """So that a change of schema is read as a diff: `python -m tests.migrations.schema_text`."""
    command.upgrade(configuration(fresh_app), "head")
    kind = db.engine.dialect.name

    committed = (ROOT / "migrations" / f"schema.{kind}.txt").read_text()

    assert schema_text(db.engine) == committed


def test_a_fresh_checkout_has_nothing_to_generate_even_with_partitions(fresh_app):
    command.upgrade(configuration(fresh_app), "head")
    if db.engine.dialect.name == "postgresql":
        assert postgresql.place([1]) == set()
        names = sa.inspect(db.engine).get_table_names()
        assert len([name for name in names if name.startswith("log_records_2")]) == 4

    command.check(configuration(fresh_app))


def test_a_missing_column_is_seen(fresh_app):
    command.upgrade(configuration(fresh_app), "b7e3914fd25a")
    with db.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)

    missing = {(each[2], each[3].name) for each in found if each[0] == "add_column"}
    assert ("users", "full_name") in missing


def test_a_json_column_is_generated_as_code_that_runs(fresh_app):
    command.upgrade(configuration(fresh_app), "head")
    metadata = sa.MetaData()
    column = Base.metadata.tables["log_records"].c.attributes
    sa.Table("notes", metadata, sa.Column("text", column.type))
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"render_item": render_item, "include_name": lambda *_: False}
        )
        script = produce_migrations(context, metadata)

    code = render_python_code(script.upgrade_ops, render_item=render_item)

    assert 'postgresql.JSONB(none_as_null=True).with_variant(sa.Text(), "sqlite")' in code
    assert "astext_type" not in code


def test_a_revision_that_fails_leaves_nothing_behind(fresh_app, tmp_path):
    config = with_revision(
        fresh_app,
        tmp_path,
        "    op.create_table('first_half', sa.Column('id', sa.Integer()))\n"
        "    op.execute('INSERT INTO nowhere VALUES (1)')\n",
    )
    before = schema_text(db.engine)

    with pytest.raises((sa.exc.ProgrammingError, CommandError), match="nowhere"):
        command.upgrade(config, "head")

    assert schema_text(db.engine) == before
    assert "first_half" not in before


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_rebuilding_a_table_does_not_take_the_rows_that_refer_to_it(fresh_app, tmp_path):
    """On SQLite only, where batch mode rebuilds: stock Flask-Migrate loses every child row."""
    config = with_revision(
        fresh_app,
        tmp_path,
        "    with op.batch_alter_table('projects') as batch:\n"
        "        batch.alter_column('name', type_=sa.String(200))\n",
    )
    insert_project_and_key()

    command.upgrade(config, "head")

    with db.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM api_keys")).scalar() == 1


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_rows_that_would_refer_to_nothing_stop_the_migration(fresh_app, tmp_path):
    """On SQLite only, where the check is off while migrating."""
    config = with_revision(fresh_app, tmp_path, "    op.execute('DELETE FROM projects')\n")
    insert_project_and_key()

    with pytest.raises(CommandError, match="api_keys"):
        command.upgrade(config, "head")

    with db.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM projects")).scalar() == 2


def test_the_programs_own_loggers_are_left_alone(fresh_app):
    messages = io.StringIO()
    with redirect_stderr(messages):
        command.upgrade(configuration(fresh_app), "head")

    assert not fresh_app.logger.disabled
    assert messages.getvalue() == ""


def with_revision(app, folder: Path, upgrade: str):
    """A configuration whose history has one more revision, at the end."""
    command.upgrade(configuration(app), "head")
    (folder / "more").mkdir()
    (folder / "more" / "one_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = 'onemore'\ndown_revision = '{HEAD}'\n{BRANCHES}"
        f"def upgrade():\n{upgrade}\ndef downgrade():\n    pass\n"
    )
    config = configuration(app)
    versions = ROOT / "migrations" / "versions"
    config.set_main_option("version_locations", f"{versions} {folder / 'more'}")
    config.set_main_option("path_separator", "space")
    return config


def insert_project_and_key() -> None:
    with db.engine.connect() as connection:
        connection.execute(
            sa.text("INSERT INTO projects (id, name, created_ns) VALUES (7, 'seven', 1)")
        )
        connection.execute(
            sa.text(
                "INSERT INTO api_keys (id, project_id, name, prefix, digest, scopes, created_ns)"
                " VALUES ('k', 7, 'n', 'p', 'd', 'read', 1)"
            )
        )
        connection.commit()
