"""Rows as the statement that writes them; a null byte stands around what is code and not SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentlogger.migrate.squashing.made import Row

MARK = "\0"
"""No text of a database holds one, and neither does a statement."""


def inserted(table: str, rows: Sequence[Row], catalogue: Mapping[str, str]) -> str:
    """One statement for all rows of a table: they may refer to each other."""
    columns = [name for name, _ in rows[0]]
    always = any(
        "GENERATED ALWAYS AS IDENTITY" in catalogue[f"column {table}.{name}"] for name in columns
    )
    values = ",\n    ".join("(" + ", ".join(_value(each) for _, each in row) + ")" for row in rows)
    override = " OVERRIDING SYSTEM VALUE" if always else ""
    return f"INSERT INTO {table} ({', '.join(columns)}){override} VALUES\n    {values}"


def _value(literal: str) -> str:
    if literal.startswith("{"):
        return f"{MARK}{literal[1:-1]}{MARK}"
    return literal
