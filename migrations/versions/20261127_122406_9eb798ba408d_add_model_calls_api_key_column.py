"""add model calls api key column

Revision ID: 9eb798ba408d
Revises: 6c1e8f7a90d2
Create Date: 2026-11-27 12:24:06+00:00

With which key a call was reported, for budgets of keys. A column that may be null and has no
default: no row is touched, and the lock on the table is held for a moment. Calls from before have
none. Down drops what it says.
"""

import sqlalchemy as sa
from alembic import op

revision = "9eb798ba408d"
down_revision = "6c1e8f7a90d2"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.add_column("model_calls", sa.Column("api_key", sa.Text(), nullable=True))


def downgrade():
    with op.batch_alter_table("model_calls") as batch_op:
        batch_op.drop_column("api_key")
