"""create placed identities

Revision ID: f71a9c3e5d08
Revises: e5609c61d284
Create Date: 2026-11-27 18:00:00.000000+00:00

A new table only: no row is touched and no lock is waited for.
A row of no project says that no older program writes identities: only where nothing was ever stored
is that so from the beginning.
Down gives all identities, and the names of records of calls, to the tables that older programs ask;
what goes is where they were placed.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "f71a9c3e5d08"
down_revision = "e5609c61d284"
branch_labels = None
depends_on = None
phase = "expand"
reversible = "loses data"
release = "0.1.0"

ALONE = {
    "postgresql": """
        INSERT INTO placed_identities (project_id, identity, ts_ns, record_id)
        SELECT 0, ''::bytea, 0, 0
        WHERE NOT EXISTS (SELECT 1 FROM receipts) AND NOT EXISTS (SELECT 1 FROM record_identities)
    """,
    "sqlite": """
        INSERT INTO placed_identities (project_id, identity, ts_ns, record_id)
        SELECT 0, x'', 0, 0
        WHERE NOT EXISTS (SELECT 1 FROM receipts) AND NOT EXISTS (SELECT 1 FROM record_identities)
    """,
}

RECORD_NAMES = {
    "postgresql": """
        INSERT INTO model_call_keys (project_id, digest, call_id)
        SELECT c.project_id,
               substring(sha256('record\\000'::bytea || convert_to(r ->> 'ts_ns', 'UTF8')
                   || '\\000'::bytea || convert_to(r ->> 'record_id', 'UTF8')) FOR 16),
               c.call_id
        FROM model_calls AS c, jsonb_path_query(c.reports, '$[*]') AS r
        WHERE (r ->> 'record_id')::bigint = c.call_id
        ON CONFLICT DO NOTHING
    """,
    "sqlite": """
        INSERT INTO model_call_keys (project_id, digest, call_id)
        SELECT c.project_id,
               agentlogger_record_name(
                   json_extract(r.value, '$.ts_ns'), json_extract(r.value, '$.record_id')
               ),
               c.call_id
        FROM model_calls AS c, json_each(c.reports) AS r
        WHERE CASE r.type WHEN 'object' THEN json_extract(r.value, '$.record_id') END = c.call_id
        ON CONFLICT DO NOTHING
    """,
}


def upgrade():
    op.create_table(
        "placed_identities",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.LargeBinary(length=40), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "identity", name=op.f("pk_placed_identities")),
    )
    op.execute(ALONE[op.get_context().dialect.name])


def downgrade():
    op.execute(
        "INSERT INTO record_identities (project_id, identity, ts_ns, record_id)"
        " SELECT project_id, substr(identity, 9), ts_ns, record_id FROM placed_identities"
        " WHERE project_id <> 0 ON CONFLICT DO NOTHING"
    )
    dialect = op.get_context().dialect.name
    if dialect == "sqlite":
        op.get_bind().connection.driver_connection.create_function(
            "agentlogger_record_name", 2, _record_name, deterministic=True
        )
    op.execute(RECORD_NAMES[dialect])
    op.drop_table("placed_identities")


def _record_name(ts_ns, record_id):
    return hashlib.sha256(f"record\0{ts_ns}\0{record_id}".encode()).digest()[:16]
