"""The columns of log records, by what it takes to write them."""

from __future__ import annotations

from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord

TABLE = table_of(LogRecord)
JSON_COLUMNS = ("body", "attributes", "resource", "scope", "envelope", "adjustments")
ADDED = ("project_id", "id", "stray")
"""What a record is given when it is stored."""
NOT_READ_YET = (
    "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning",
    "cost_micro_usd", "tokens_tool", "usage_rule", "cost_source", "price_version",
)  # fmt: skip
"""Columns that no reader fills yet: an unknown count is null, never zero and never a guess."""
PLAIN_COLUMNS = tuple(
    column.name
    for column in TABLE.columns
    if column.name not in (*ADDED, *JSON_COLUMNS, *NOT_READ_YET)
)
COLUMNS = (*ADDED, *PLAIN_COLUMNS, *JSON_COLUMNS)
"""The columns an insert fills, in its order."""
