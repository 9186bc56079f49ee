"""create text windows

Revision ID: c36e7a4fb062
Revises: b27d6f3eaf51
Create Date: 2026-11-27 12:47:00.000000+00:00

A new table only: no row is touched and no lock is waited for.
Its windows are filled by the server.
Down drops it: searches look at each record again, and no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "c36e7a4fb062"
down_revision = "b27d6f3eaf51"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "text_windows",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=True),
        sa.Column("segment_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_windows")),
    )
    op.create_index(
        "ix_text_windows_segment_id_project_id", "text_windows", ["segment_id", "project_id"]
    )


def downgrade():
    op.drop_table("text_windows")
