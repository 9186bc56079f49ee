"""create arrivals

Revision ID: d74a80472398
Revises: 0e75d3ab2bf1
Create Date: 2026-11-27 04:29:44.193118+00:00

A new table only: no row is touched and no lock is waited for. Down drops it: who follows a tail is
told that what came meanwhile is unknown, and no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "d74a80472398"
down_revision = "0e75d3ab2bf1"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "arrivals",
        sa.Column("origin", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "number", "project_id", name=op.f("pk_arrivals")),
    )


def downgrade():
    op.drop_table("arrivals")
