"""The columns of log records, by what it takes to write them."""

from __future__ import annotations

from agentlogger.intake import record
from agentlogger.models.database import table_of
from agentlogger.models.logs import LogRecord

TABLE = table_of(LogRecord)
JSON_COLUMNS = record.JSON
ADDED = ("project_id", "id", "stray")
"""What a record is given when it is stored."""
PLAIN_COLUMNS = record.PLAIN
COLUMNS = (*ADDED, *PLAIN_COLUMNS, *JSON_COLUMNS)
"""The columns an insert fills, in its order."""
