"""add model calls duration column

Revision ID: 3f6b1c9a52de
Revises: 53d0482be580
Create Date: 2026-11-27 12:41:00.000000+00:00

One column that may be null and has no default: no row is touched, and the lock on the table is held
for a moment. Calls that are there keep it null until a report of them comes. Down drops it.
"""

import sqlalchemy as sa
from alembic import op

revision = "3f6b1c9a52de"
down_revision = "53d0482be580"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.add_column("model_calls", sa.Column("duration_ns", sa.BigInteger(), nullable=True))


def downgrade():
    with op.batch_alter_table("model_calls") as batch_op:
        batch_op.drop_column("duration_ns")
