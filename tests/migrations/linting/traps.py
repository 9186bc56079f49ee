"""Revisions that a service would notice on PostgreSQL, and the same changes done so that none is.

Each trap's line of interest ends with the comment `# here`.
"""

from __future__ import annotations

TABLES = """
op.create_table("agents", sa.Column("id", sa.Integer(), primary_key=True),
                sa.Column("name", sa.String(80)))
op.create_table("logs", sa.Column("id", sa.Integer(), primary_key=True),
                sa.Column("agent_id", sa.Integer()), sa.Column("msg", sa.Text()),
                sa.Column("name", sa.String(80)), sa.Column("n", sa.Integer()))
"""
DROPPED = 'op.drop_table("logs")\nop.drop_table("agents")'

TRAPS: dict[str, tuple[str, str, str]] = {
    "an index": (
        "index-blocks-writes",
        'op.create_index("ix_logs_msg", "logs", ["msg"])  # here',
        'op.drop_index("ix_logs_msg", table_name="logs")',
    ),
    "a NOT NULL": (
        "scan-under-lock",
        'op.alter_column("logs", "n", existing_type=sa.Integer(), nullable=False)  # here',
        'op.alter_column("logs", "n", existing_type=sa.Integer(), nullable=True)',
    ),
    "a CHECK": (
        "scan-under-lock",
        'op.create_check_constraint("ck_logs_n", "logs", "n > 0")  # here',
        'op.drop_constraint("ck_logs_n", "logs", type_="check")',
    ),
    "a foreign key": (
        "scan-under-lock",
        'op.create_foreign_key("fk_logs", "logs", "agents", ["agent_id"], ["id"])  # here',
        'op.drop_constraint("fk_logs", "logs", type_="foreignkey")',
    ),
    "another type": (
        "rewrite",
        'op.alter_column("logs", "n", existing_type=sa.Integer(), type_=sa.BigInteger())  # here',
        'op.alter_column("logs", "n", existing_type=sa.BigInteger(), type_=sa.Integer())',
    ),
    "a shorter varchar": (
        "rewrite",
        'op.alter_column("logs", "name", existing_type=sa.String(80), type_=sa.String(40))  # here',
        'op.alter_column("logs", "name", existing_type=sa.String(40), type_=sa.String(80))',
    ),
    "a volatile default": (
        "rewrite",
        """op.execute("ALTER TABLE logs ADD COLUMN u uuid DEFAULT gen_random_uuid()")  # here""",
        'op.drop_column("logs", "u")',
    ),
    "an update of all rows": (
        "whole-table-update",
        """op.execute("UPDATE logs SET msg = upper(msg)")  # here""",
        "pass",
    ),
    "an index by a string that is built": (
        "index-blocks-writes",
        """
for column in ("n",):
    op.execute("CREATE " + "INDEX" + f" ix_logs_{column} ON logs ({column})")  # here
""",
        'op.execute("DROP INDEX ix_logs_n")',
    ),
    "an index by a bind": (
        "index-blocks-writes",
        """
bind = op.get_bind()
logs = sa.Table("logs", sa.MetaData(), autoload_with=bind)
sa.Index("ix_logs_n", logs.c.n).create(bind)  # here
""",
        'op.execute("DROP INDEX ix_logs_n")',
    ),
    "a unique constraint": (
        "index-blocks-writes",
        'op.create_unique_constraint("uq_logs_msg", "logs", ["msg"])  # here',
        'op.drop_constraint("uq_logs_msg", "logs", type_="unique")',
    ),
    "a column dropped in an expand": (
        "breaks-older",
        'op.drop_column("logs", "msg")  # here',
        'op.add_column("logs", sa.Column("msg", sa.Text()))',
    ),
    "a column renamed in an expand": (
        "breaks-older",
        'op.alter_column("logs", "msg", new_column_name="message")  # here',
        'op.alter_column("logs", "message", new_column_name="msg")',
    ),
    "a column required without a default": (
        "fails-with-rows",
        'op.add_column("logs", sa.Column("level", sa.Integer(), nullable=False))  # here',
        'op.drop_column("logs", "level")',
    ),
    "a lock without a bound": (
        "lock-not-bounded",
        """
op.execute("SELECT 1")
op.execute("SET LOCAL lock_timeout = 0")
op.add_column("logs", sa.Column("level", sa.Integer()))  # here
""",
        'op.drop_column("logs", "level")',
    ),
    "a long wait under a lock": (
        "lock-held-long",
        """
op.add_column("logs", sa.Column("level", sa.Integer()))  # here
op.execute("SELECT pg_sleep(0.7)")
""",
        'op.drop_column("logs", "level")',
    ),
}
"""By name: the rule that finds it, the upgrade and the downgrade."""

CLEAN: dict[str, tuple[str, str]] = {
    "an index": (
        'op.create_index_online("ix_logs_msg", "logs", ["msg"])',
        'op.drop_index_online("ix_logs_msg", "logs")',
    ),
    "a NOT NULL": (
        'op.set_not_null_online("logs", "n")',
        'op.drop_not_null_online("logs", "n")',
    ),
    "a CHECK": (
        'op.create_check_online("ck_logs_n", "logs", "n > 0")',
        'op.drop_constraint_online("ck_logs_n", "logs", "check")',
    ),
    "a foreign key": (
        'op.create_foreign_key_online("fk_agents", "logs", "agents", ["agent_id"], ["id"])',
        'op.drop_constraint_online("fk_agents", "logs", "foreignkey")',
    ),
    "a unique constraint": (
        'op.create_unique_online("uq_logs_msg", "logs", ["msg"])',
        'op.drop_constraint_online("uq_logs_msg", "logs", "unique")',
    ),
    "a longer varchar": (
        'op.alter_column("agents", "name", existing_type=sa.String(80), type_=sa.String(200))',
        'op.alter_column("agents", "name", existing_type=sa.String(200), type_=sa.String(80))',
    ),
    "a foreign key that is not checked yet": (
        (
            'op.create_foreign_key("fk_logs", "logs", "agents", ["agent_id"], ["id"],'
            " postgresql_not_valid=True)"
        ),
        'op.drop_constraint("fk_logs", "logs", type_="foreignkey")',
    ),
    "a constant default": (
        (
            'op.add_column("logs", sa.Column("level", sa.Text(), server_default="info",'
            " nullable=False))"
        ),
        'op.drop_column("logs", "level")',
    ),
    "a nullable column": (
        'op.add_column("logs", sa.Column("level", sa.Integer()))',
        'op.drop_column("logs", "level")',
    ),
    "a new table with an index": (
        (
            'op.create_table("spans", sa.Column("id", sa.Integer(), primary_key=True),'
            ' sa.Column("name", sa.Text()))\nop.create_index("ix_spans_name", "spans", ["name"])'
        ),
        'op.drop_table("spans")',
    ),
    "an update of few rows": (
        """op.execute("UPDATE logs SET n = 0 WHERE id < 100")""",
        "pass",
    ),
}
"""By name: the upgrade and the downgrade."""
