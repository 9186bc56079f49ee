"""create users table

Revision ID: 5f1c7a9e2b04
Revises:
Create Date: 2026-11-22 09:00:00+00:00

New tables only: no row is touched and no lock is waited for. Down drops them with their rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "5f1c7a9e2b04"
down_revision = None
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("disabled_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_email", "users", ["email"], unique=True)
    op.create_table(
        "login_failures",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("window_start_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_login_failures"),
    )


def downgrade():
    op.drop_table("login_failures")
    op.drop_index("ix_users_email", table_name="users")
    op.drop_table("users")
