"""The columns of log records, by what it takes to write them."""

from __future__ import annotations

from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord

TABLE = table_of(LogRecord)
JSON_COLUMNS = ("body", "attributes", "resource", "scope", "envelope", "adjustments")
ADDED = ("project_id", "id", "stray")
"""What a record is given when it is stored."""
PLAIN_COLUMNS = tuple(
    column.name for column in TABLE.columns if column.name not in (*ADDED, *JSON_COLUMNS)
)
COLUMNS = (*ADDED, *PLAIN_COLUMNS, *JSON_COLUMNS)
"""The columns an insert fills, in its order."""
