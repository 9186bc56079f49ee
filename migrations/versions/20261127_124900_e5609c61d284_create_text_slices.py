"""create text slices

Revision ID: e5609c61d284
Revises: d45f8b50c173
Create Date: 2026-11-27 12:49:00.000000+00:00

A new table only: no row is touched and no lock is waited for.
The bits of segments are in it.
Down drops it: searches look at each record again, and no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "e5609c61d284"
down_revision = "d45f8b50c173"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "text_slices",
        sa.Column("segment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slice", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("segment_id", "slice", name=op.f("pk_text_slices")),
    )


def downgrade():
    op.drop_table("text_slices")
