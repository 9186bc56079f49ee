"""create text segments

Revision ID: d45f8b50c173
Revises: c36e7a4fb062
Create Date: 2026-11-27 12:48:00.000000+00:00

A new table only: no row is touched and no lock is waited for.
Its segments are made by the server of windows.
Down drops it: searches look at each record again, and no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "d45f8b50c173"
down_revision = "c36e7a4fb062"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "text_segments",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_text_segments")),
    )


def downgrade():
    op.drop_table("text_segments")
