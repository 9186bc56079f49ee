"""add projects redaction column

Revision ID: 88b03b7b4c1a
Revises: 3d81b6c94f20
Create Date: 2026-11-26 17:25:50.598600+00:00

What a project chooses otherwise than by default when secrets are redacted. The table has a row for
each project: adding a column without a default touches none of them, and its lock is held for a
moment. Taking the column away loses those choices; without them the default holds.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "88b03b7b4c1a"
down_revision = "3d81b6c94f20"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.add_column(
        "projects",
        sa.Column("redaction", postgresql.JSONB().with_variant(sa.Text(), "sqlite"), nullable=True),
    )


def downgrade():
    op.drop_column("projects", "redaction")
