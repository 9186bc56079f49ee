"""create alert counts

Revision ID: 6248ad96d8bd
Revises: 8622cd32d976
Create Date: 2026-11-27 12:25:20+00:00

A new table only, without a row to wait for. Down drops it with what was counted for alerts: they
count anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "6248ad96d8bd"
down_revision = "8622cd32d976"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "alert_counts",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["alert_rules.id"],
            name="fk_alert_counts_rule_id_alert_rules",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rule_id", "subject", "from_ns", name="pk_alert_counts"),
    )


def downgrade():
    op.drop_table("alert_counts")
