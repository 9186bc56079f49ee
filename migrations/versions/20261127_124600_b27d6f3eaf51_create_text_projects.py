"""create text projects

Revision ID: b27d6f3eaf51
Revises: a18c5e2d9f40
Create Date: 2026-11-27 12:46:00.000000+00:00

A new table only: no row is touched and no lock is waited for.
It tells how far a project is indexed.
Down drops it: searches look at each record again, and no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "b27d6f3eaf51"
down_revision = "a18c5e2d9f40"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "text_projects",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("walked_ns", sa.BigInteger(), nullable=False),
        sa.Column("walked_id", sa.BigInteger(), nullable=False),
        sa.Column("is_walked", sa.Boolean(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_text_projects")),
    )


def downgrade():
    op.drop_table("text_projects")
