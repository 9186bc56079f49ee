"""What autogenerate sees of a database: what the models name, and what the history has made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import MetaData

from agentlogger.migrate.ledger import tables
from agentlogger.migrate.revisions.owned import Owned

ObjectFilter = Callable[[Any, str | None, str, bool, Any], bool]
NameFilter = Callable[[str | None, str, Mapping[str, Any]], bool]


def names_seen(metadata: MetaData, unowned: frozenset[str], owned: Owned) -> NameFilter:
    """Alembic's `include_name`: tables that the models or the history know."""
    modelled = {table.name for table in metadata.tables.values()}

    def include(name: str | None, kind: str, _parents: Mapping[str, Any]) -> bool:
        if kind != "table" or name is None:
            return True
        if name in tables.NAMES or name in unowned:
            return False
        return name in modelled or owned.has("table", name, name)

    return include


def objects_seen(owned: Owned) -> ObjectFilter:
    """Alembic's `include_object`: on the removing side only what the history has made."""

    def include(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        if not reflected or compare_to is not None or kind == "table":
            return True
        table = getattr(getattr(item, "table", None), "name", "")
        columns = getattr(item, "columns", None) or ()
        return owned.has(kind, name, table, [column.name for column in columns])

    return include
