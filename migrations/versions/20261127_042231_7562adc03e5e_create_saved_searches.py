"""create saved searches

Revision ID: 7562adc03e5e
Revises: 88b03b7b4c1a
Create Date: 2026-11-27 04:22:31.233132+00:00

A new table only. Its foreign key locks `projects` against writing for a moment, which has a row for
each project. Down drops it with the searches that people saved; no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "7562adc03e5e"
down_revision = "88b03b7b4c1a"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name="fk_saved_searches_project_id_projects",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.UniqueConstraint("project_id", "name", name="uq_saved_searches_project_id_name"),
    )


def downgrade():
    op.drop_table("saved_searches")
