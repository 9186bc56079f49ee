"""create ingest ledger

Revision ID: 3d81b6c94f20
Revises: 66a8767df294
Create Date: 2026-11-26 10:00:00+00:00

A new table only: no row is touched and no lock is waited for. Down drops it with what it tells of
refusals, duplicates and replacements; no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "3d81b6c94f20"
down_revision = "66a8767df294"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "ingest_ledger",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("finding", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "finding", name="pk_ingest_ledger"),
    )
    op.create_index(
        "ix_ingest_ledger_project_id_key_kind_last_ns",
        "ingest_ledger",
        ["project_id", "key", "kind", "last_ns"],
    )


def downgrade():
    op.drop_index("ix_ingest_ledger_project_id_key_kind_last_ns", table_name="ingest_ledger")
    op.drop_table("ingest_ledger")
