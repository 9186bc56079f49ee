"""SQLite's catalogue as text: what its pragmas say, and what only the text of a table says.

Compared are tables, columns, constraints, indexes, views and triggers. Not compared are the order
of columns and the way in which a statement is spelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from agentlogger.migrate.ledger.tables import NAMES
from agentlogger.migrate.sqlite.statements import (
    ColumnText,
    TableText,
    Token,
    canonical,
    read_table,
    tokens,
    unwrapped,
    written,
)
from agentlogger.migrate.trial.objects import Thing

HIDDEN = frozenset({"alembic_version", *NAMES})

MASTER = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master"
    " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
)

STORED = 3
"""What table_xinfo says of a column that is computed and kept; 2 is computed when it is read."""

COMPUTED = {2, STORED}

TRUTH = {"TRUE": "1", "FALSE": "0"}


def catalogue(connection: Connection) -> Mapping[str, str]:
    """Each object by its kind and name (see `objects`), with its definition.

    The migration room's own tables, Alembic's and SQLite's are left out.
    """
    found: dict[str, str] = {}
    shadows = _shadows(connection)
    for row in connection.exec_driver_sql(MASTER):
        if row.tbl_name in HIDDEN or row.name in shadows:
            continue
        if row.type == "table":
            _table(connection, row, found)
        else:
            on = None if row.type == "view" else _quoted(connection, row.tbl_name)
            thing = Thing(row.type, _quoted(connection, row.name), on)
            found[str(thing)] = canonical(row.sql)
    return found


def foundations(connection: Connection) -> list[str]:  # noqa: ARG001  (the protocol's)
    """None: SQLite has neither schemas nor extensions of a database."""
    return []


def _quoted(connection: Connection, name: str) -> str:
    return str(connection.dialect.identifier_preparer.quote(name))


def _shadows(connection: Connection) -> set[str]:
    """The tables in which a virtual table keeps its data; they come and go with it."""
    rows = connection.exec_driver_sql("PRAGMA table_list")
    return {row.name for row in rows if row.type == "shadow"} if rows.returns_rows else set()


def _table(connection: Connection, row: Any, found: dict[str, str]) -> None:
    name = _quoted(connection, row.name)
    if tokens(row.sql)[1].is_word("VIRTUAL"):
        found[str(Thing("virtual table", name))] = canonical(row.sql)
        return
    text = read_table(row.sql)
    found[str(Thing("table", name))] = text.options or "ordinary"
    spoken = {folded(column): said for column, said in text.columns.items()}
    for column in connection.exec_driver_sql(f"PRAGMA table_xinfo({name})"):
        said = spoken.get(folded(column.name), ColumnText())
        thing = Thing("column", f"{name}.{_quoted(connection, column.name)}")
        found[str(thing)] = _column(column, said)
    _constraints(name, text, found)


def folded(name: str) -> str:
    """A name as it is the same in every spelling."""
    return name.strip('"').casefold()


def kind_of(row: Any) -> str:
    """The type of a column, of which table_xinfo says this, in capitals."""
    return written(tokens(row.type)).upper()


def _column(row: Any, said: ColumnText) -> str:
    kind = kind_of(row)
    parts = [kind] if kind else []
    parts += [f"COLLATE {said.collation}"] if said.collation not in {"", "BINARY"} else []
    parts += ["NOT NULL"] if row.notnull else []
    if row.dflt_value is not None:
        parts.append(f"DEFAULT {default(row.dflt_value, kind)}")
    if row.hidden in COMPUTED:
        kept = "STORED" if row.hidden == STORED else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({said.computed}) {kept}")
    return " ".join(parts)


def default(text: str, kind: str) -> str:
    """A default as it is written in every text that means the same; `kind` is the column's type."""
    parts = unwrapped(tokens(text))
    if len(parts) == 1:
        token = parts[0]
        if token.is_word(*TRUTH):
            return TRUTH[token.text]
        bare = token.text.strip("'")
        # A column of numbers makes a number of a text that looks like one.
        if token.kind == "literal" and bare.isdecimal() and _holds_numbers(kind):
            return bare
        return token.text
    is_signed = len(parts) == 2 and parts[0].text in {"+", "-"}  # noqa: PLR2004  (sign and number)
    return _signed(parts) if is_signed else f"({written(parts)})"


def _signed(parts: list[Token]) -> str:
    return parts[1].text if parts[0].text == "+" else f"-{parts[1].text}"


def _holds_numbers(kind: str) -> bool:
    """Whether a column of this type has numeric affinity, as SQLite derives it from the name."""
    if "INT" in kind:
        return True
    return bool(kind) and not any(word in kind for word in ("CHAR", "CLOB", "TEXT", "BLOB"))


def _constraints(table: str, text: TableText, found: dict[str, str]) -> None:
    # A foreign key last, as where it is made: what it refers to may come later in the catalogue.
    for name, definition in sorted(text.constraints, key=lambda one: one[1].startswith("FOREIGN")):
        # One without a name is known by what it says.
        known = name or '"' + definition.replace('"', '""') + '"'
        found[str(Thing("constraint", known, table))] = definition
