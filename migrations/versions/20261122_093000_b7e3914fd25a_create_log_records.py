"""create log records

Revision ID: b7e3914fd25a
Revises: 8c40d2b6e713
Create Date: 2026-11-22 09:30:00+00:00

New tables only: no row is touched and no lock is waited for. Down drops every stored record.

On PostgreSQL `log_records` is partitioned by day from here on: the service makes a partition for
each day (`stray` 0) and this revision the one for all times that have none (`stray` 1).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b7e3914fd25a"
down_revision = "8c40d2b6e713"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"

# Text on SQLite, where a column declared JSON has numeric affinity and rounds a lone number.
JSON = postgresql.JSONB(none_as_null=True).with_variant(sa.Text(), "sqlite")


def upgrade():
    op.create_table(
        "log_records",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stray", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("observed_ns", sa.BigInteger(), nullable=True),
        sa.Column("ts_source", sa.String(length=16), nullable=False),
        sa.Column("ts_sent", sa.Text(), nullable=True),
        sa.Column("severity_number", sa.SmallInteger(), nullable=False),
        sa.Column("severity_text", sa.Text(), nullable=True),
        sa.Column("severity_source", sa.String(length=16), nullable=False),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("event_name", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", JSON, nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("span_id", sa.Text(), nullable=True),
        sa.Column("parent_span_id", sa.Text(), nullable=True),
        sa.Column("flags", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("prompt_id", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("tool", sa.Text(), nullable=True),
        sa.Column("tool_call_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("duration_ns", sa.BigInteger(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("error_type", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("tokens_in", sa.BigInteger(), nullable=True),
        sa.Column("tokens_out", sa.BigInteger(), nullable=True),
        sa.Column("tokens_cache_read", sa.BigInteger(), nullable=True),
        sa.Column("tokens_cache_write", sa.BigInteger(), nullable=True),
        sa.Column("tokens_reasoning", sa.BigInteger(), nullable=True),
        sa.Column("cost_micro_usd", sa.BigInteger(), nullable=True),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("resource", JSON, nullable=False),
        sa.Column("scope", JSON, nullable=True),
        sa.Column("envelope", JSON, nullable=True),
        sa.Column("adjustments", JSON, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "ts_ns", "id", "stray", name="pk_log_records"),
        postgresql_partition_by="RANGE (stray, ts_ns)",
    )
    for name, columns, present in (
        (
            "ix_log_records_project_id_session_id_ts_ns",
            ["project_id", "session_id", "ts_ns"],
            "session_id IS NOT NULL",
        ),
        (
            "ix_log_records_project_id_trace_id",
            ["project_id", "trace_id"],
            "trace_id IS NOT NULL",
        ),
    ):
        op.create_index(
            name,
            "log_records",
            columns,
            postgresql_where=sa.text(present),
            sqlite_where=sa.text(present),
        )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE TABLE log_records_strays PARTITION OF log_records"
            " FOR VALUES FROM (1, MINVALUE) TO (1, MAXVALUE)"
        )
    op.create_table(
        "record_identities",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "identity", name="pk_record_identities"),
    )


def downgrade():
    op.drop_table("record_identities")
    # PostgreSQL drops the partitions and their indexes with the table, SQLite the indexes.
    op.drop_table("log_records")
