"""How SQLite words what the models say: it makes them in a database in memory.

SQLite keeps the text that made an object, so the two texts are compared as tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Index, MetaData, Table, create_engine, text
from sqlalchemy import inspect as reading
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from agentlogger.migrate.causes import first_line
from agentlogger.migrate.comparing.wording import Wording, Wordings
from agentlogger.migrate.sqlite.catalogue import COMPUTED, STORED, default, folded, kind_of
from agentlogger.migrate.sqlite.labels import LABEL
from agentlogger.migrate.sqlite.statements import (
    ColumnText,
    Token,
    canonical,
    closes,
    read_table,
    split,
    tokens,
    unwrapped,
    written,
)

LISTED = re.compile(r"CHECK \((?P<column>\S+) IN \((?P<labels>[^()]*)\)\)")
"""The CHECK that SQLAlchemy makes for an enum, as `statements` writes it."""

CONSTANT = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?|'(?:[^']|'')*'|TRUE|FALSE")
"""A default that calls nothing, so that it may be evaluated."""

MASTER = text(
    "SELECT name, sql FROM sqlite_master WHERE type = :kind AND tbl_name = :table AND sql NOT NULL"
)


def wordings(connection: Connection, tables: Collection[Table]) -> Wordings:
    """The tables of the database and those of the models, both as SQLite keeps them.

    A model's table that the database does not have is left out.
    """
    names = set(reading(connection).get_table_names())
    there = [table for table in tables if table.name in names]
    live = {table.key: _read(connection, table.name) for table in there}
    wanted: dict[str, Wording] = {}
    failures: dict[str, str] = {}
    ordered = sorted(there, key=lambda table: table.schema or "")
    for schema, group in groupby(ordered, key=lambda table: table.schema):
        engine = create_engine("sqlite://")
        with engine.connect() as plain:
            memory = plain.execution_options(schema_translate_map={schema: None})
            for table in group:
                try:
                    _make(memory, table)
                    made = _read(memory, table.name)
                    wanted[table.key] = _without_values(memory, live[table.key], made)
                except DBAPIError as fault:
                    failures[table.key] = first_line(fault)
                except SQLAlchemyError as fault:
                    failures[table.key] = str(fault).partition("\n")[0]
        engine.dispose()
    return Wordings(live, wanted, failures)


def _make(memory: Connection, table: Table) -> None:
    # Foreign keys are left to Alembic, which reads them rightly.
    memory.execute(CreateTable(table, include_foreign_key_constraints=[]))
    for index in table.indexes:
        memory.execute(CreateIndex(index))


def _read(connection: Connection, name: str) -> Wording:
    where = {"table": name}
    (row,) = connection.execute(MASTER, {"kind": "table", **where}).all()
    said = read_table(row.sql)
    kept = [
        (name, definition)
        for name, definition in said.constraints
        if definition.startswith(("CHECK ", "UNIQUE "))
    ]
    defaults, computed = _values(connection, name, said.columns)
    indexes: dict[str, str] = {}
    unseen: dict[str, Index] = {}
    for row in connection.execute(MASTER, {"kind": "index", **where}):
        parts = tokens(row.sql)
        indexes[row.name] = _without_name(canonical(row.sql), parts)
        index = _on_expressions(row.name, name, parts, connection)
        if index is not None:
            unseen[row.name] = index
    return Wording(
        types={row.name: row.type for row in _columns(connection, name)},
        defaults=defaults,
        computed=computed,
        constraints={known.strip('"'): said_so for known, said_so in kept if known},
        unnamed=tuple(text for known, text in kept if not known and text.startswith("CHECK ")),
        values=dict(filter(None, (_listed(text) for _, text in kept))),
        indexes=indexes,
        unseen=unseen,
    )


def _without_values(memory: Connection, live: Wording, wanted: Wording) -> Wording:
    """What is wanted, with the constants of the database where they are of the same value."""
    types = live.types
    same = {
        column: found
        for column, found in live.defaults.items()
        if (expected := wanted.defaults.get(column, found)) != found
        and CONSTANT.fullmatch(found)
        and CONSTANT.fullmatch(expected)
        and memory.exec_driver_sql(
            f"SELECT CAST({found} AS {types[column]}) IS CAST({expected} AS {types[column]})"
        ).scalar()
    }
    return replace(wanted, defaults={**wanted.defaults, **same}) if same else wanted


def _listed(definition: str) -> tuple[str, tuple[str, ...]] | None:
    """The column and the values of a CHECK that only lists values; None for any other."""
    match = LISTED.fullmatch(definition)
    if match is None:
        return None
    labels = LABEL.findall(match["labels"])
    return match["column"].strip('"'), tuple(one.replace("''", "'") for one in labels)


def _values(
    connection: Connection, table: str, said: dict[str, ColumnText]
) -> tuple[dict[str, str], dict[str, str]]:
    """The defaults of columns, and what others are computed from."""
    spoken = {folded(column): what for column, what in said.items()}
    defaults, computed = {}, {}
    for row in _columns(connection, table):
        if row.hidden in COMPUTED:
            kept = "STORED" if row.hidden == STORED else "VIRTUAL"
            computed[row.name] = f"{spoken[folded(row.name)].computed} {kept}"
        elif row.dflt_value is not None:
            defaults[row.name] = default(row.dflt_value, kind_of(row))
    return defaults, computed


def _columns(connection: Connection, table: str) -> list[Any]:
    quoted = connection.dialect.identifier_preparer.quote(table)
    return [*connection.exec_driver_sql(f"PRAGMA table_xinfo({quoted})")]


def _without_name(statement: str, parts: Sequence[Token]) -> str:
    unique = "UNIQUE " if parts[1].is_word("UNIQUE") else ""
    return unique + statement[statement.index(" ON ") + len(" ON ") :]


def _on_expressions(
    name: str, table: str, parts: list[Token], connection: Connection
) -> Index | None:
    """An index that SQLAlchemy does not reflect, since it is on more than columns; else None."""
    quoted = connection.dialect.identifier_preparer.quote(name)
    found = connection.exec_driver_sql(f"PRAGMA index_info({quoted})").all()
    if all(row[2] is not None for row in found):
        return None
    opening = next(place for place, token in enumerate(parts) if token.text == "(")
    closing = closes(parts, opening)
    items = [written(item) for item in split(parts[opening + 1 : closing])]
    rest = parts[closing + 1 :]
    where = written(unwrapped(rest[1:])) if rest else ""
    made = Index(
        name,
        *[text(item) for item in items],
        unique=parts[1].is_word("UNIQUE"),
        _table=Table(table, MetaData()),
    )
    if where:
        made.dialect_options["sqlite"]["where"] = text(where)
    return made
