"""create alert states

Revision ID: 8622cd32d976
Revises: 9b711cac1652
Create Date: 2026-11-27 12:25:10+00:00

A new table only, without a row to wait for. Down drops it with how alerts stand: they are judged
anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "8622cd32d976"
down_revision = "9b711cac1652"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "alert_states",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("is_firing", sa.Boolean(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("evaluated_ns", sa.BigInteger(), nullable=False),
        sa.Column("watched_ns", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["alert_rules.id"],
            name="fk_alert_states_rule_id_alert_rules",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rule_id", "subject", name="pk_alert_states"),
    )


def downgrade():
    op.drop_table("alert_states")
