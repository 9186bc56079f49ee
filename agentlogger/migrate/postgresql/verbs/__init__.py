"""How PostgreSQL carries out the verbs of online migrations: what `verbs.Carrier` asks for.

Each statement is committed by itself, and each verb looks first at what is there, so that a run
which was killed, or which did not get a lock, is finished by the next one.
"""

from __future__ import annotations

from agentlogger.migrate.postgresql.verbs.backfills import backfill
from agentlogger.migrate.postgresql.verbs.checks import create_check, drop_not_null, set_not_null
from agentlogger.migrate.postgresql.verbs.constraints import drop_constraint
from agentlogger.migrate.postgresql.verbs.enums import (
    add_enum_value,
    create_enum,
    drop_enum,
    retire_enum_value,
)
from agentlogger.migrate.postgresql.verbs.foreign_keys import create_foreign_key
from agentlogger.migrate.postgresql.verbs.indexes import create_index, drop_index
from agentlogger.migrate.postgresql.verbs.uniques import create_unique

__all__ = [
    "add_enum_value",
    "backfill",
    "create_check",
    "create_enum",
    "create_foreign_key",
    "create_index",
    "create_unique",
    "drop_constraint",
    "drop_enum",
    "drop_index",
    "drop_not_null",
    "retire_enum_value",
    "set_not_null",
]
