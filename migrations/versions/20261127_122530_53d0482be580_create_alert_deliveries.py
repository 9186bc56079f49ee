"""create alert deliveries

Revision ID: 53d0482be580
Revises: 6248ad96d8bd
Create Date: 2026-11-27 12:25:30+00:00

A new table only, without a row to wait for. Down drops it with the log of what was sent for
alerts, and with what is not sent yet.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "53d0482be580"
down_revision = "6248ad96d8bd"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"

# Text on SQLite, where a column declared JSON has numeric affinity.
JSON = postgresql.JSONB(none_as_null=True).with_variant(sa.Text(), "sqlite")


def upgrade():
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_ns", sa.BigInteger(), nullable=True),
        sa.Column("tries", JSON, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["alert_rules.id"],
            name="fk_alert_deliveries_rule_id_alert_rules",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_deliveries"),
    )
    op.create_index(
        "ix_alert_deliveries_next_ns",
        "alert_deliveries",
        ["next_ns"],
        postgresql_where=sa.text("next_ns IS NOT NULL"),
        sqlite_where=sa.text("next_ns IS NOT NULL"),
    )
    op.create_index(
        "ix_alert_deliveries_project_id_created_ns",
        "alert_deliveries",
        ["project_id", "created_ns"],
    )
    op.create_index(
        "ix_alert_deliveries_rule_id_created_ns",
        "alert_deliveries",
        ["rule_id", "created_ns"],
    )


def downgrade():
    op.drop_index("ix_alert_deliveries_rule_id_created_ns", table_name="alert_deliveries")
    op.drop_index("ix_alert_deliveries_project_id_created_ns", table_name="alert_deliveries")
    op.drop_index(
        "ix_alert_deliveries_next_ns",
        table_name="alert_deliveries",
        postgresql_where=sa.text("next_ns IS NOT NULL"),
        sqlite_where=sa.text("next_ns IS NOT NULL"),
    )
    op.drop_table("alert_deliveries")
