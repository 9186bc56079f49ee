"""create leases

Revision ID: 6c1e8f7a90d2
Revises: d74a80472398
Create Date: 2026-11-27 04:22:00+00:00

A new table only: no row is touched and no lock is waited for. Down drops who does which work; the
programs that stay behind do not ask.
"""

import sqlalchemy as sa
from alembic import op

revision = "6c1e8f7a90d2"
down_revision = "d74a80472398"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def downgrade():
    op.drop_table("leases")
