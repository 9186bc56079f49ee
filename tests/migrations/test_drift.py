"""`flask db drift`: what the database, its history and the models do not say the same of."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Ahead, Differs, Failed, Unreachable
from agentlogger.migrate.commands.doors import cli
from agentlogger.migrate.run.lock import held
from agentlogger.migrate.task import DIALECTS
from agentlogger.models.database import Base
from agentlogger.store.postgresql import backend as store
from tests.migrations.histories import (
    HISTORY,
    PEOPLE,
    bring,
    catalogue,
    folder,
    look,
    people,
    run,
)
from tests.newest_revision import BEFORE_HEAD, HEAD


def test_a_migrated_database_has_no_drift_even_with_partitions(app, database_url):
    if database_url.get_backend_name() == "postgresql":
        with app.app_context():
            assert store.place([1]) == set()

    report = look(database_url)

    assert report.findings == ()
    assert (report.revision, report.heads) == ((HEAD,), (HEAD,))
    assert report.notes == ()


def test_what_is_merely_pending_is_no_drift(empty_database_url):
    bring(empty_database_url, HISTORY, BEFORE_HEAD, Base.metadata)

    report = look(empty_database_url)

    assert report.findings == ()
    assert report.revision == (BEFORE_HEAD,)
    assert report.notes == (f"Pending, and no drift: {HEAD}. `flask db upgrade` applies them.",)


def test_a_dropped_index_is_told_with_its_repair(app, database_url):
    run(database_url, ["DROP INDEX ix_api_keys_project_id"])

    outcome = app.test_cli_runner().invoke(cli.db, ["drift"])

    assert outcome.exit_code == Differs.exit_code, outcome.output
    assert "index ix_api_keys_project_id on api_keys: missing in the database" in outcome.output
    assert "\n1 difference.\n" in outcome.output
    repair = outcome.output.partition("repair:\n")[2].partition("\n")[0].strip()
    run(database_url, [repair])
    healed = app.test_cli_runner().invoke(cli.db, ["drift"])
    assert healed.exit_code == 0, healed.output
    assert healed.output.endswith(f"Revision: {HEAD} (head)\nNo drift.\n")


def test_the_json_has_the_same_keys_with_drift_and_without(app, database_url):
    clean = json.loads(app.test_cli_runner().invoke(cli.db, ["drift", "--json"]).stdout)
    run(database_url, ["CREATE TABLE stray_table (id INTEGER)"])

    outcome = app.test_cli_runner().invoke(cli.db, ["drift", "--json"])

    told = json.loads(outcome.stdout)
    assert outcome.exit_code == Differs.exit_code
    assert set(clean) == set(told) == {"database", "revision", "heads", "notes", "findings"}
    assert clean["findings"] == []
    assert told["revision"] == [HEAD]
    assert told["findings"] == [
        {
            "object": "table stray_table",
            "difference": "only in the database",
            "against": "history",
            "found": "ordinary",
            "expected": None,
            "repair": ["-- its rows go with it", "DROP TABLE stray_table;"],
        }
    ]


def test_a_password_is_not_shown(database_url):
    secret = "" if database_url.get_backend_name() == "sqlite" else "hunter2"
    report = look(database_url.set(password=secret or None))

    assert "hunter2" not in report.database


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_partition_of_the_history_is_missed_and_one_of_the_service_is_not(database_url):
    """On PostgreSQL only: SQLite has no partitions."""
    run(
        database_url,
        [
            (
                "CREATE TABLE log_records_20260101 PARTITION OF log_records"
                " FOR VALUES FROM (0, 5) TO (0, 6)"
            ),
            "DROP TABLE log_records_strays",
        ],
    )

    (finding,) = look(database_url).findings

    assert finding.thing == "partition log_records_strays on log_records"
    run(database_url, finding.repair)
    assert look(database_url).findings == ()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_the_schema_of_another_application_is_none_of_ours(database_url):
    """On PostgreSQL only: SQLite has one schema."""
    run(
        database_url,
        [
            "CREATE SCHEMA theirs",
            "CREATE TABLE theirs.users (id integer PRIMARY KEY)",
            "CREATE INDEX ON theirs.users (id)",
        ],
    )

    assert look(database_url).findings == ()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_schema_of_the_history_is_ours(empty_database_url, tmp_path):
    """On PostgreSQL only: SQLite has one schema."""
    audit = (
        "    op.execute('CREATE SCHEMA audit')\n"
        "    op.create_table('notes', sa.Column('text', sa.Text()), schema='audit')\n"
    )
    history = folder(tmp_path, one=(None, PEOPLE + audit))
    bring(empty_database_url, history)
    metadata = people()
    sa.Table("notes", metadata, sa.Column("text", sa.Text), schema="audit")
    run(empty_database_url, ["CREATE INDEX ix_text ON audit.notes (text)"])

    (finding,) = look(empty_database_url, history=history, metadata=metadata).findings

    assert (finding.thing, finding.against) == ("index ix_text on audit.notes", "history")
    assert finding.repair == ("DROP INDEX CONCURRENTLY audit.ix_text;",)


def test_models_that_cannot_be_made_are_a_sentence(empty_database_url, tmp_path):
    history = folder(tmp_path, one=(None, PEOPLE))
    bring(empty_database_url, history)

    with pytest.raises(Failed, match="The tables of the models cannot be made"):
        look(empty_database_url, history=history, metadata=people(check="nowhere > 0"))


def test_a_database_of_a_newer_program_is_refused_by_name(database_url):
    run(database_url, ["UPDATE alembic_version SET version_num = '0123456789ab'"])

    with pytest.raises(Ahead, match="0123456789ab"):
        look(database_url)


def test_several_heads_are_said(empty_database_url, tmp_path):
    left = "    op.create_table('left', sa.Column('id', sa.Integer()))\n"
    right = "    op.create_table('right', sa.Column('id', sa.Integer()))\n"
    history = folder(tmp_path, one=(None, PEOPLE), two=("one", left), three=("one", right))
    bring(empty_database_url, history)
    metadata = people()
    for name in ("left", "right"):
        sa.Table(name, metadata, sa.Column("id", sa.Integer))

    report = look(empty_database_url, history=history, metadata=metadata)

    assert report.findings == ()
    assert report.revision == ("three", "two")
    assert "at several revisions, three, two" in report.notes[0]
    assert 'flask db merge -m "merge branches" three two' in report.notes[1]


def test_a_database_that_was_never_migrated_stands_beside_its_history(empty_database_url):
    run(empty_database_url, ["CREATE TABLE users (id INTEGER)"])

    report = look(empty_database_url)

    assert [finding.thing for finding in report.findings] == ["table users"]
    assert "has no revision" in report.notes[0]


def test_a_killed_run_is_named_before_any_repair(app, database_url):
    with app.app_context():
        app.extensions["migrations"].upgrade()
    run(
        database_url,
        [
            "DELETE FROM migration_history",
            (
                "INSERT INTO migration_history (id, revision, parents, direction, begun_ns,"
                " program, who, message, phase, reversible, sha256, source, operations_done)"
                " VALUES (1, 'abc', '', 'up', 1, '1', 'ann@host', 'm', 'expand', 'yes', '', '', 0)"
            ),
        ],
    )

    (note,) = look(database_url).notes

    assert note.startswith("Revision abc was begun by ann@host on 1970-01-01 00:00:00 UTC and")


def test_a_migration_at_work_is_named_before_any_repair(database_url):
    dialect = DIALECTS[database_url.get_backend_name()]
    with held(dialect.make_lock(database_url, "a test"), wait_seconds=1):
        (note,) = look(database_url).notes

    assert note.startswith("A migration is at work (process ")


def test_a_revision_that_cannot_be_replayed_is_a_sentence(empty_database_url, tmp_path):
    bring(empty_database_url, folder(tmp_path, one=(None, PEOPLE)))
    broken = folder(tmp_path, one=(None, "    op.execute('INSERT INTO nowhere VALUES (1)')\n"))

    with pytest.raises(Failed, match=r"^Revision one cannot be applied .*nowhere"):
        look(empty_database_url, history=broken, metadata=people())


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_looking_makes_no_database(empty_database_url):
    """On SQLite only, where an ordinary connection makes the file."""
    with pytest.raises(Unreachable, match="There is no database"):
        look(empty_database_url)

    assert not Path(str(empty_database_url.database)).exists()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_database_that_does_not_answer_is_a_sentence(empty_database_url):
    """On PostgreSQL only: SQLite has nobody to answer."""
    with pytest.raises(Unreachable, match="cannot be read"):
        look(empty_database_url.set(port=1))


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_not_a_byte_of_a_file_is_written(database_url):
    """On SQLite only, where an ordinary reader empties the log of a killed writer."""
    path = Path(str(database_url.database))
    killed = "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1]); c.execute("
    killed += "\"INSERT INTO projects (id, name, created_ns) VALUES (9, 'nine', 1)\""
    killed += "); c.commit(); os._exit(0)"
    for wal in (False, True):
        if wal:
            subprocess.run([sys.executable, "-c", killed, str(path)], check=True)
        before = files(path)
        assert wal == (f"{path.name}-wal" in before)

        assert look(database_url).findings == ()

        assert files(path) == before


def files(path: Path) -> dict[str, str]:
    """The digest of each file of a database; its shared memory is no part of it."""
    return {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in path.parent.glob(f"{path.name}*")
        if not one.name.endswith("-shm")
    }


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_not_a_row_of_a_server_is_written(database_url):
    """On PostgreSQL only: who wrote a row last stands in it, in the catalogue too."""
    tables = ("pg_class", "pg_attribute", "pg_index", "pg_type", "alembic_version", "projects")
    rows = [sa.column("xmin").cast(sa.Text).cast(sa.BigInteger), sa.column("ctid")]

    def writers() -> list[tuple]:
        engine = sa.create_engine(database_url)
        with engine.connect() as connection:
            found = [
                tuple(row)
                for name in tables
                for row in connection.execute(sa.select(*rows).select_from(sa.table(name)))
            ]
        engine.dispose()
        return sorted(found)

    before = writers()

    assert look(database_url).findings == ()

    assert writers() == before


def test_a_reader_cannot_write(database_url):
    engine = DIALECTS[database_url.get_backend_name()].make_reader(database_url)
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
        connection.execute(sa.text("CREATE TABLE mine (id INTEGER)"))
    engine.dispose()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_file_with_an_odd_name_is_read(database_url, tmp_path):
    """On SQLite only, where a name becomes a part of an address."""
    odd = tmp_path / "a b?c#d%20.db"
    shutil.copy(str(database_url.database), odd)

    assert look(database_url.set(database=str(odd))).findings == ()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_file_in_use_is_read_with_what_its_log_holds(database_url):
    """On SQLite only: what was written last stands in the log and not in the file."""
    with contextlib.closing(sqlite3.connect(str(database_url.database))) as writer:
        writer.execute("CREATE TABLE fresh (id INTEGER)")
        writer.commit()
        found = dict(catalogue(database_url))

    assert "table fresh" in found


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_scratch_database_that_was_named_serves_both_comparisons(
    database_url, empty_database_url
):
    """On PostgreSQL only: SQLite always has room for a file of its own."""
    named = empty_database_url.render_as_string(hide_password=False)

    assert look(database_url, f"scratch={named}").findings == ()
