"""What a SQLite database holds beside its catalogue: rows, counters, its own two numbers."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from agentlogger.migrate.trial.objects import parse

NUMBERS = ("user_version", "application_id")
"""What a program may keep in the file's header."""


def counters(connection: Connection) -> Mapping[str, str]:
    """The statement that sets each AUTOINCREMENT to where it stands."""
    there = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
    if connection.exec_driver_sql(there).first() is None:
        return {}
    rows = connection.exec_driver_sql("SELECT name, quote(name) AS text, seq FROM sqlite_sequence")
    return {
        f"counter {row.name}": (
            f"UPDATE sqlite_sequence SET seq = {row.seq} WHERE name = {row.text}"  # noqa: S608  (quoted)
        )
        for row in rows
    }


def beyond(connection: Connection) -> Mapping[str, str]:
    """The numbers in the file's header, where they were set."""
    told = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in NUMBERS}
    return {name: f"PRAGMA {name} = {value}" for name, value in told.items() if value}


def contents(
    connection: Connection, catalogue: Mapping[str, str]
) -> dict[str, list[dict[str, str]]]:
    """The rows of each table, as literals."""
    columns: dict[str, list[str]] = {}
    for key, definition in catalogue.items():
        thing = parse(key)
        if thing.kind == "column" and "GENERATED ALWAYS AS (" not in definition:
            columns.setdefault(str(thing.belongs_to), []).append(thing.last)
    found = {}
    for table, names in columns.items():
        literals = ", ".join(f"quote({name})" for name in names)
        query = f"SELECT {literals} FROM {table}"  # noqa: S608  (the catalogue's names)
        rows = [dict(zip(names, row, strict=True)) for row in connection.exec_driver_sql(query)]
        if rows:
            found[table] = rows
    return found
