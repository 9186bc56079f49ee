"""create text index

Revision ID: a18c5e2d9f40
Revises: 9c27e4d80b15
Create Date: 2026-11-27 12:45:00.000000+00:00

New tables only: no row is touched and no lock is waited for. The index is filled by the server,
from the newest records on. Down drops it: searches look at each record again, and no record goes
with it.
"""

import sqlalchemy as sa
from alembic import op

revision = "a18c5e2d9f40"
down_revision = "9c27e4d80b15"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"


def upgrade():
    op.create_table(
        "text_index",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_index")),
    )
    op.create_table(
        "text_projects",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("walked_ns", sa.BigInteger(), nullable=False),
        sa.Column("walked_id", sa.BigInteger(), nullable=False),
        sa.Column("is_walked", sa.Boolean(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_text_projects")),
    )
    op.create_table(
        "text_windows",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=True),
        sa.Column("segment_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_windows")),
    )
    op.create_index(
        "ix_text_windows_segment_id_project_id", "text_windows", ["segment_id", "project_id"]
    )
    op.create_table(
        "text_segments",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_text_segments")),
    )
    op.create_table(
        "text_slices",
        sa.Column("segment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slice", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("segment_id", "slice", name=op.f("pk_text_slices")),
    )


def downgrade():
    op.drop_table("text_slices")
    op.drop_table("text_segments")
    op.drop_table("text_windows")
    op.drop_table("text_projects")
    op.drop_table("text_index")
