"""create text index

Revision ID: a18c5e2d9f40
Revises: 9c27e4d80b15
Create Date: 2026-11-27 12:45:00.000000+00:00

A new table only: no row is touched and no lock is waited for.
The index is filled by the server, from the newest records on.
Down drops it: searches look at each record again, and no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "a18c5e2d9f40"
down_revision = "9c27e4d80b15"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "text_index",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_index")),
    )


def downgrade():
    op.drop_table("text_index")
