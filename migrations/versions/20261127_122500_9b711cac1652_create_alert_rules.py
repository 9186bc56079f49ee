"""create alert rules

Revision ID: 9b711cac1652
Revises: d657f7dce865
Create Date: 2026-11-27 12:25:00+00:00

A new table only. Its foreign keys lock `projects` and `saved_searches` against writing for a
moment, which have a row for each project and each search. Down drops it with the alerts that people
made; no record goes with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "9b711cac1652"
down_revision = "d657f7dce865"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("search_id", sa.Uuid(), nullable=True),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("comparison", sa.String(length=2), nullable=True),
        sa.Column("threshold", sa.BigInteger(), nullable=True),
        sa.Column("window_seconds", sa.BigInteger(), nullable=False),
        sa.Column("per", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name="fk_alert_rules_project_id_projects",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["saved_searches.id"],
            name="fk_alert_rules_search_id_saved_searches",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
        sa.UniqueConstraint("project_id", "name", name="uq_alert_rules_project_id_name"),
    )
    op.create_index("ix_alert_rules_search_id", "alert_rules", ["search_id"])


def downgrade():
    op.drop_index("ix_alert_rules_search_id", table_name="alert_rules")
    op.drop_table("alert_rules")
