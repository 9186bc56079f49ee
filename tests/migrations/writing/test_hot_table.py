"""The real table of records, which PostgreSQL keeps in partitions, gets its changes online too."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa

from agentlogger.migrate import causes
from agentlogger.models.database import Base
from tests.migrations.checkout import ROOT
from tests.migrations.writing.desk import Desk, calls, phases

pytestmark = pytest.mark.promise

KEPT = "SELECT id, event FROM log_records ORDER BY id"
DAY = "CREATE TABLE log_records_1 PARTITION OF log_records FOR VALUES FROM (0, 0) TO (0, 1000)"
ROW = (
    "INSERT INTO log_records (project_id, ts_ns, id, stray, received_ns, ts_source,"
    " severity_number, severity_source, kind, event, attributes, resource)"
    " VALUES (1, {ts}, {ts}, {stray}, 1, 'emitted', 9, 'emitted', 'log', 'e{ts}', '{{}}', '{{}}')"
)


def records(*columns: sa.Column, more: tuple = ()):
    """The models of the application, with more columns of records, and more on them."""

    def models(metadata: sa.MetaData) -> None:
        for table in Base.metadata.sorted_tables:
            table.to_metadata(metadata)
        for one in columns:
            metadata.tables["log_records"].append_column(one._copy())
        for one in more:
            one()._set_parent_with_dispatch(metadata.tables["log_records"])

    return models


@pytest.fixture
def table(desk: Desk) -> Desk:
    """The application's own history, with records in two partitions."""
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        shutil.copy(path, desk.project.versions)
    desk.project.upgrade()
    desk.project.run(*([DAY] if desk.is_postgresql else []))
    desk.project.run(
        ROW.format(ts=5, stray=0), ROW.format(ts=6, stray=0), ROW.format(ts=7, stray=1)
    )
    return desk


def test_the_table_of_records_is_changed_online(table: Desk):
    columns = (
        sa.Column("priority", sa.SmallInteger, nullable=False, default=3, index=True),
        sa.Column("owner_id", sa.ForeignKey("users.id")),
    )
    files = table.change(
        records(*columns, more=(lambda: sa.UniqueConstraint("stray", "ts_ns", "id"),)),
        message="add log_records priority and owner",
    )

    assert [(phase, calls(path)) for phase, path in zip(phases(files), files, strict=True)] == [
        ("expand", ["add_column", "add_column"]),
        ("online", ["create_index_online"]),
        ("online", ["create_unique_online"]),
        ("online", ["create_foreign_key_online"]),
        ("backfill", ["backfill"]),
        ("contract", ["set_not_null_online"]),
    ]
    table.round_trip(files, KEPT)
    assert table.project.rows("SELECT priority FROM log_records") == [3] * 3


def test_what_is_unique_on_a_partitioned_table_holds_the_columns_of_its_partitions(table: Desk):
    unique = (lambda: sa.UniqueConstraint("project_id", "id", "stray"),)

    sentence = table.refusal(records(more=unique), causes.Unwritable)

    assert "uq_log_records_project_id_id_stray on log_records lacks ts_ns" in sentence
    index = (lambda: sa.Index("ix_event", "event", unique=True),)
    sentence = table.refusal(records(more=index), causes.Unwritable)
    assert "ix_event on log_records lacks stray, ts_ns" in sentence
