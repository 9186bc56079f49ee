"""create model calls

Revision ID: 66a8767df294
Revises: c4d1f0a87b52
Create Date: 2026-11-26 17:12:48.318215+00:00

New tables only: no row is touched and no lock is waited for. Down drops the calls. The records that
were stored before have none; what they say of one is in their attributes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "66a8767df294"
down_revision = "c4d1f0a87b52"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"

# Text on SQLite, where a column declared JSON has numeric affinity and rounds a lone number.
JSON = postgresql.JSONB(none_as_null=True).with_variant(sa.Text(), "sqlite")


def upgrade():
    op.create_table(
        "model_call_keys",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("call_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "digest", name="pk_model_call_keys"),
    )
    op.create_table(
        "model_calls",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("failed_before", sa.BigInteger(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=True),
        sa.Column("tokens_cache_read", sa.BigInteger(), nullable=True),
        sa.Column("tokens_cache_write", sa.BigInteger(), nullable=True),
        sa.Column("tokens_tool", sa.BigInteger(), nullable=True),
        sa.Column("tokens_out", sa.BigInteger(), nullable=True),
        sa.Column("tokens_reasoning", sa.BigInteger(), nullable=True),
        sa.Column("usage_rule", sa.Text(), nullable=True),
        sa.Column("cost_micro_usd", sa.BigInteger(), nullable=True),
        sa.Column("cost_source", sa.Text(), nullable=True),
        sa.Column("price_version", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=True),
        sa.Column("reports", JSON, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "call_id", name="pk_model_calls"),
    )
    op.create_index(
        "ix_model_calls_project_id_fingerprint",
        "model_calls",
        ["project_id", "fingerprint"],
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
        sqlite_where=sa.text("fingerprint IS NOT NULL"),
    )
    op.create_index(
        "ix_model_calls_project_id_session_id_ts_ns",
        "model_calls",
        ["project_id", "session_id", "ts_ns"],
        postgresql_where=sa.text("session_id IS NOT NULL"),
        sqlite_where=sa.text("session_id IS NOT NULL"),
    )
    op.create_index(
        "ix_model_calls_project_id_ts_ns_call_id", "model_calls", ["project_id", "ts_ns", "call_id"]
    )


def downgrade():
    op.drop_index("ix_model_calls_project_id_ts_ns_call_id", table_name="model_calls")
    op.drop_index(
        "ix_model_calls_project_id_session_id_ts_ns",
        table_name="model_calls",
        postgresql_where=sa.text("session_id IS NOT NULL"),
        sqlite_where=sa.text("session_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_model_calls_project_id_fingerprint",
        table_name="model_calls",
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
        sqlite_where=sa.text("fingerprint IS NOT NULL"),
    )
    op.drop_table("model_calls")
    op.drop_table("model_call_keys")
