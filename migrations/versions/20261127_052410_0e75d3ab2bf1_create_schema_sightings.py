"""create schema sightings

Revision ID: 0e75d3ab2bf1
Revises: 7562adc03e5e
Create Date: 2026-11-27 05:24:10.028840+00:00

A new table only: no row is touched and no lock is waited for. Down drops it with what it tells of
who sends which events with which attributes; no record goes with it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0e75d3ab2bf1"
down_revision = "7562adc03e5e"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"

# Text on SQLite, where a column declared JSON has numeric affinity.
JSON = postgresql.JSONB(none_as_null=True).with_variant(sa.Text(), "sqlite")


def upgrade():
    op.create_table(
        "schema_sightings",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "digest", name="pk_schema_sightings"),
    )


def downgrade():
    op.drop_table("schema_sightings")
