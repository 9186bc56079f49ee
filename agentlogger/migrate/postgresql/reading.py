"""A connection to PostgreSQL that cannot write, and sees one moment of the database."""

from __future__ import annotations

from sqlalchemy import URL, Engine

from agentlogger.migrate.postgresql.engine import make_engine


def make_reader(url: URL) -> Engine:
    """An engine that can only read; each of its transactions sees one moment."""
    return make_engine(url, writes=False).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
