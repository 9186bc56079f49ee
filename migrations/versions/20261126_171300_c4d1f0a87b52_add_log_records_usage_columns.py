"""add log records usage columns

Revision ID: c4d1f0a87b52
Revises: 2ba55a29acd7
Create Date: 2026-11-26 17:13:00+00:00

Four columns that may be null and have no default: no row is touched, and the lock on the table is
held for a moment. Down drops what they say.
"""

import sqlalchemy as sa
from alembic import op

revision = "c4d1f0a87b52"
down_revision = "2ba55a29acd7"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.add_column("log_records", sa.Column("tokens_tool", sa.BigInteger(), nullable=True))
    op.add_column("log_records", sa.Column("usage_rule", sa.Text(), nullable=True))
    op.add_column("log_records", sa.Column("cost_source", sa.Text(), nullable=True))
    op.add_column("log_records", sa.Column("price_version", sa.Text(), nullable=True))


def downgrade():
    with op.batch_alter_table("log_records") as batch_op:
        batch_op.drop_column("price_version")
        batch_op.drop_column("cost_source")
        batch_op.drop_column("usage_rule")
        batch_op.drop_column("tokens_tool")
