"""create senders

Revision ID: d657f7dce865
Revises: 9eb798ba408d
Create Date: 2026-11-27 12:24:30+00:00

A new table only: no row is touched and no lock is waited for. Down drops it with when each key was
last sent with; no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "d657f7dce865"
down_revision = "9eb798ba408d"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "senders",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name="pk_senders"),
    )


def downgrade():
    op.drop_table("senders")
