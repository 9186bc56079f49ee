"""What a partitioned table asks of its unique constraints."""

from __future__ import annotations

import re
from typing import Any

from alembic.operations import ops
from sqlalchemy import MetaData

from agentlogger.migrate.causes import Unwritable
from agentlogger.migrate.writing.operations import item_of, schema_of, table_of


def refuse_unique_beside_the_key(operation: Any, metadata: MetaData) -> None:
    """Raise Unwritable where something unique lacks a column by which its table is partitioned."""
    makes = isinstance(operation, ops.CreateUniqueConstraintOp) or (
        isinstance(operation, ops.CreateIndexOp) and operation.unique
    )
    if not makes:
        return
    schema, table = schema_of(operation), table_of(operation)
    model = metadata.tables.get(f"{schema}.{table}" if schema else str(table))
    by = None if model is None else model.dialect_options["postgresql"]["partition_by"]
    if model is None or not by:
        return
    keys = [one for one in re.findall(r"\w+", str(by).partition("(")[2]) if one in model.columns]
    item = item_of(operation)
    lacking = [key for key in keys if key not in {column.name for column in item.columns}]
    if lacking:
        raise Unwritable(
            f"{item.name or 'A unique constraint'} on {table} lacks {', '.join(lacking)}, by which "
            f"{table} is partitioned on PostgreSQL, and a partition can only judge its own rows: "
            f"no revision was written. Add {'it' if len(lacking) == 1 else 'them'} to its columns, "
            "or keep what must be unique in a table of its own, then run the same command again."
        )
