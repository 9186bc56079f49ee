"""index log records by severity

Revision ID: 9c27e4d80b15
Revises: 3f6b1c9a52de
Create Date: 2026-11-27 12:41:30.000000+00:00

An index of the columns by which records are counted, so that a count reads no record. On PostgreSQL
it is built while others write, partition by partition; SQLite's one writer waits for it. Down drops
it, and counts read the records again.
"""

from alembic import op

revision = "9c27e4d80b15"
down_revision = "3f6b1c9a52de"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "yes"
release = "0.1.0"


def upgrade():
    op.create_index_online(
        "ix_log_records_project_id_ts_ns_severity_number",
        "log_records",
        ["project_id", "ts_ns", "severity_number", "stray"],
    )


def downgrade():
    op.drop_index_online("ix_log_records_project_id_ts_ns_severity_number", "log_records")
