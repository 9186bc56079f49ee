"""create request digests and receipts

Revision ID: 2ba55a29acd7
Revises: e91f6c05a8d7
Create Date: 2026-11-26 17:06:28.396918+00:00

New tables only: no row is touched and no lock is waited for. Down forgets which requests came in
the last hours, so that one that comes again is stored again, and the counts of what was received.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2ba55a29acd7"
down_revision = "e91f6c05a8d7"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "receipts",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("writer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "day", "writer", name=op.f("pk_receipts")),
    )
    op.create_table(
        "request_digests",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=True),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column(
            "rejections",
            postgresql.JSONB(none_as_null=True).with_variant(sa.Text(), "sqlite"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("project_id", "digest", name=op.f("pk_request_digests")),
    )
    op.create_index(
        "ix_request_digests_project_id_expires_ns",
        "request_digests",
        ["project_id", "expires_ns"],
        unique=False,
    )


def downgrade():
    op.drop_index("ix_request_digests_project_id_expires_ns", table_name="request_digests")
    op.drop_table("request_digests")
    op.drop_table("receipts")
