"""add user full_name column

Revision ID: e91f6c05a8d7
Revises: b7e3914fd25a
Create Date: 2026-11-22 09:45:00+00:00

A nullable column without a default: the catalogue changes and no row is touched, under a lock of
milliseconds. Down drops the column with the names in it.
"""

import sqlalchemy as sa
from alembic import op

revision = "e91f6c05a8d7"
down_revision = "b7e3914fd25a"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.add_column("users", sa.Column("full_name", sa.String(), nullable=True))


def downgrade():
    op.drop_column("users", "full_name")
