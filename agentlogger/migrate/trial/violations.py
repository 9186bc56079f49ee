"""Rows that a new rule of a table does not fit: which query shows them, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from agentlogger.migrate.causes import Failed

AFTERWARDS = "Nothing is left of it: correct those rows, then run the same command again."


def repeated(
    name: str, table: str, columns: Sequence[str], *, where: str = "", with_empty: bool = False
) -> Failed:
    """The cause for rows that are not unique. All names are as SQL writes them.

    `where` are the rows that are meant, all for ""; those with NULL are, if `with_empty`.
    """
    listed = ", ".join(columns)
    conditions = [] if with_empty else [f"{column} IS NOT NULL" for column in columns]
    conditions += [f"({where})"] if where else []
    meant = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return Failed(
        f"{name} cannot be made, since rows of {table} have the same {listed}; `SELECT {listed}, "  # noqa: S608  (shown, never run)
        f"count(*) FROM {table} {meant}GROUP BY {listed} HAVING count(*) > 1` shows them. "
        f"{AFTERWARDS}"
    )


def without_counterpart(
    name: str, tables: tuple[str, str], columns: Sequence[str], remote: Sequence[str]
) -> Failed:
    """The cause for rows of the first table that refer to no row of the second one."""
    table, other = tables
    present = " AND ".join(f"a.{column} IS NOT NULL" for column in columns)
    equal = " AND ".join(f"b.{r} = a.{c}" for c, r in zip(columns, remote, strict=True))
    return Failed(
        f"{name} cannot be made, since rows of {table} refer to no row of {other}; `SELECT * FROM "  # noqa: S608  (shown, never run)
        f"{table} AS a WHERE {present} AND NOT EXISTS (SELECT 1 FROM {other} AS b WHERE {equal})` "
        f"shows them. {AFTERWARDS}"
    )


def against(name: str, table: str, condition: str) -> Failed:
    """The cause for rows that a CHECK refuses."""
    return Failed(
        f"{name} cannot be made, since rows of {table} do not fit it; `SELECT * FROM {table} WHERE "  # noqa: S608  (shown, never run)
        f"NOT ({condition})` shows them. {AFTERWARDS}"
    )


def empty(table: str, column: str) -> Failed:
    """The cause for rows that have nothing where something is to be required."""
    return Failed(
        f"{column} of {table} cannot be made NOT NULL, since rows have nothing there; `SELECT * "  # noqa: S608  (shown, never run)
        f"FROM {table} WHERE {column} IS NULL` shows them. {AFTERWARDS}"
    )
