"""How PostgreSQL is migrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text

from agentlogger.migrate.dialect import NameFilter

CONTEXT_ARGUMENTS: Mapping[str, Any] = {"transaction_per_migration": True}

PARTITIONS = text(
    "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relispartition"
)


def make_engine(url: URL, *, writes: bool) -> Engine:
    """An engine whose sessions say in pg_stat_activity what they are."""
    name = "agentlogger-migrate" if writes else "agentlogger-migrate (reading)"
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"application_name": name, "connect_timeout": 10},
    )


def names_of_models(connection: Connection) -> NameFilter:
    """Hide partitions: the service makes and drops them, so no model will ever name them.

    Alembic would write `drop_table` for each (alembic#539).
    """
    partitions = {(schema, name) for schema, name in connection.execute(PARTITIONS)}
    default = connection.dialect.default_schema_name

    def include(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
        return kind != "table" or (parents.get("schema_name") or default, name) not in partitions

    return include


def broken_references(connection: Connection) -> list[str]:  # noqa: ARG001  (the protocol's)
    """None: PostgreSQL checks each foreign key by itself."""
    return []
