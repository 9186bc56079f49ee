"""What SQLite's columns can hold: for each declared type a value that differs by row.

Texts are digits, so that a revision can cast them to a number or to JSON.
"""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy import URL, Connection

from agentlogger.migrate.linting.describing import Column, Part
from agentlogger.migrate.sqlite.engine import make_engine

SIZE = re.compile(r"\((?P<size>\d+)(?:\s*,\s*(?P<scale>\d+))?")

HEXADECIMAL = 32
"""Characters of a CHAR that is a UUID."""

DIGITS = 9
"""Of a row's number at most."""

GENERATED = {2, 3}
"""What `table_xinfo` says of a column that is computed."""


def columns(connection: Connection, table: str) -> list[Column]:
    """The columns of a table, each with what a synthetic row could have there."""
    name = connection.dialect.identifier_preparer.quote(table)
    rows = connection.exec_driver_sql(f"PRAGMA table_xinfo({name})").all()
    return [
        Column(
            name=row[1],
            type=row[2] or "BLOB",
            value=_value(str(row[2]).upper()),
            is_nullable=not row[3] and not row[5],
            has_default=row[4] is not None,
            is_written=row[6] not in GENERATED,
        )
        for row in rows
    ]


BY_WORD = (
    (re.compile("SMALLINT"), "n % 32767"),
    (re.compile("INT"), "n"),
    (re.compile("CHAR|CLOB|TEXT"), "CAST(n AS TEXT)"),
    (re.compile("BLOB|BINARY|^$"), "CAST(printf('%032x', n) AS BLOB)"),
    (re.compile("BOOL"), "n % 2"),
    (
        re.compile("DATETIME|TIMESTAMP"),
        "strftime('%Y-%m-%d %H:%M:%S.000000', 1577836800 + n, 'unixepoch')",
    ),
    (re.compile("DATE"), "date(1577836800 + n % 2000 * 86400, 'unixepoch')"),
    (re.compile("TIME"), "strftime('%H:%M:%S.000000', n % 86400, 'unixepoch')"),
    (re.compile("JSON"), """'{"n": ' || n || '}'"""),
)
"""By the words that SQLite and SQLAlchemy go by; the first that fits counts."""


def _value(type_name: str) -> str:
    value = next((value for word, value in BY_WORD if word.search(type_name)), "n")
    sized = SIZE.search(type_name)
    if sized is None:
        return value
    size = int(sized["size"])
    if value.endswith("AS TEXT)"):
        if "VAR" not in type_name and size == HEXADECIMAL:
            return "printf('%032x', n)"
        # The last digits differ from row to row.
        return f"substr({value}, -{size})"
    whole = size - int(sized["scale"] or 0)
    return f"n % {10**whole}" if value == "n" and 0 < whole < DIGITS else value


def parts(connection: Connection, table: str) -> list[Part]:  # noqa: ARG001  (the protocol's)
    """None: SQLite has no partitions."""
    return []


def make_part(connection: Connection, table: str) -> list[Part]:  # noqa: ARG001  (the protocol's)
    """None is needed."""
    return []


def settle(url: URL) -> None:
    """Let a scratch database know its rows."""
    engine = make_engine(url, writes=True)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    finally:
        engine.dispose()


def version(connection: Connection) -> str:  # noqa: ARG001  (the protocol's)
    """The library's version."""
    return sqlite3.sqlite_version


def literal(value: str) -> str:
    """SQL of the text by which a value is written into a statement."""
    return f"quote({value})"
