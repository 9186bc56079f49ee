"""How PostgreSQL words what the models say: it makes them as temporary tables and takes them back.

No parser of our own would know what the server makes of a CHECK, a default or an index. All is in
a savepoint that is rolled back: nobody sees the tables, no lock is on one that anybody uses, and
nothing stays.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Enum, Table, text
from sqlalchemy.exc import DBAPIError, SAWarning, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from agentlogger.migrate.causes import first_line
from agentlogger.migrate.comparing.types import enums_of
from agentlogger.migrate.comparing.wording import Wording, Wordings
from agentlogger.migrate.postgresql.constants import is_one_value
from agentlogger.migrate.trial.objects import DOTTED, IDENTIFIER

TEMPORARY = "pg_temp"

VALUES = text(
    "SELECT c.relname AS table, a.attname AS name, a.attgenerated::text AS generated,"
    " pg_get_expr(d.adbin, d.adrelid, true) AS value FROM pg_catalog.pg_attrdef d"
    " JOIN pg_catalog.pg_class c ON c.oid = d.adrelid"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
    " WHERE c.relnamespace = :namespace AND c.relname = ANY (:names)"
)

CONSTRAINTS = text(
    "SELECT c.relname AS table, o.conname AS name, pg_get_constraintdef(o.oid, true) AS value"
    " FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid"
    " WHERE o.contype IN ('c', 'u')"
    " AND c.relnamespace = :namespace AND c.relname = ANY (:names)"
)

INDEXES = text(
    "SELECT c.relname AS table, x.relname AS name, pg_get_indexdef(x.oid, 0, true) AS value"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid"
    " JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = x.oid"
    "  AND o.contype IN ('p', 'u', 'x'))"
    " AND c.relnamespace = :namespace AND c.relname = ANY (:names)"
)

TYPES = text(
    "SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS value"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " WHERE a.attnum > 0 AND NOT a.attisdropped"
    " AND c.relnamespace = :namespace AND c.relname = ANY (:names)"
)

TABLES = text(
    "SELECT c.relname FROM pg_catalog.pg_class c"
    " WHERE c.relnamespace = :namespace AND c.relname = ANY (:names)"
)

SCHEMA = text("SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = :name")

INDEX = re.compile(rf"CREATE (?P<unique>UNIQUE )?INDEX {IDENTIFIER} ON (?:ONLY )?{DOTTED} ")
"""What stands in an index before its method, as the server writes it."""

CAST = re.compile(
    r"""::(?:\w+|"(?:[^"]|"")+")(?:\.(?:\w+|"(?:[^"]|"")+"))?
    (?:\ (?:varying|precision))?(?:\(\d+(?:,\d+)?\))?(?:\ with(?:out)?\ time\ zone)?(?:\[\])?""",
    re.VERBOSE,
)
"""A type that the server has made something, as it writes it."""

CONCURRENTLY = re.compile(r"^(\s*CREATE (?:UNIQUE )?INDEX) CONCURRENTLY ")
"""What no transaction may do, and a model may ask for."""


def wordings(connection: Connection, tables: Collection[Table]) -> Wordings:
    """The tables of the database and those of the models, both in the server's words.

    A model's table that the database does not have is left out.
    """
    live: dict[str, Wording] = {}
    wanted: dict[str, Wording] = {}
    failures: dict[str, str] = {}
    ordered = sorted(tables, key=lambda table: (table.schema or "", table.name))
    for schema, group in groupby(ordered, key=lambda table: table.schema):
        place = schema or str(connection.dialect.default_schema_name)
        namespace = connection.execute(SCHEMA, {"name": place}).scalar()
        there = _there(connection, namespace, list(group))
        keys = {table.name: table.key for table in there}
        strip = [one for table in there for one in enums_of(table) if one.schema]
        read = _read(connection, namespace, keys, strip)
        live |= {keys[name]: wording for name, wording in read.items()}
        made, failed = _made(connection, there)
        for name, wording in made.items():
            made[name] = _without_values(
                connection, read[name], _without_casts(read[name], wording)
            )
        wanted |= {keys[name]: wording for name, wording in made.items()}
        failures |= {keys[name]: reason for name, reason in failed.items()}
    return Wordings(live, wanted, failures)


def _there(connection: Connection, namespace: int | None, tables: list[Table]) -> list[Table]:
    names = [table.name for table in tables]
    found = set(connection.execute(TABLES, {"namespace": namespace, "names": names}).scalars())
    return [table for table in tables if table.name in found]


def _read(
    connection: Connection, namespace: int | None, names: Collection[str], enums: Collection[Enum]
) -> dict[str, Wording]:
    """What stands on the tables of a schema, by their names."""
    where = {"namespace": namespace, "names": list(names)}
    types, defaults, computed, constraints, indexes = (defaultdict[str, dict[str, str]](dict)
                                                       for _ in range(5))  # fmt: skip
    for row in connection.execute(TYPES, where):
        types[row.table][row.name] = row.value
    for row in connection.execute(VALUES, where):
        said = _bare(row.value, enums)
        if row.generated:
            kept = {"s": "STORED", "v": "VIRTUAL"}[row.generated]
            computed[row.table][row.name] = f"{said} {kept}"
        else:
            defaults[row.table][row.name] = said
    for row in connection.execute(CONSTRAINTS, where):
        said = _bare(row.value, enums).removesuffix(" NOT VALID")
        constraints[row.table][row.name] = said
    for row in connection.execute(INDEXES, where):
        said = INDEX.sub(lambda match: match["unique"] or "", row.value, count=1)
        indexes[row.table][row.name] = _bare(said, enums)
    return {
        name: Wording(
            types[name], defaults[name], computed[name], constraints[name], indexes=indexes[name]
        )
        for name in names
    }


def _without_values(connection: Connection, live: Wording, wanted: Wording) -> Wording:
    """What is wanted, with the constants of the database where they are of the same value."""
    same = {
        name: found
        for name, found in live.defaults.items()
        if (expected := wanted.defaults.get(name, found)) != found
        and is_one_value(connection, live.types[name], found, expected)
    }
    return replace(wanted, defaults={**wanted.defaults, **same})


def _without_casts(live: Wording, wanted: Wording) -> Wording:
    """What is wanted, in the words of the database where only types are others.

    Where the type of a column changes, that of each text about it does; it is no change beside.
    """
    common = live.types.keys() & wanted.types.keys()
    if all(live.types[name] == wanted.types[name] for name in common):
        return wanted
    return replace(
        wanted,
        computed=_alike(live.computed, wanted.computed),
        constraints=_alike(live.constraints, wanted.constraints),
        indexes=_alike(live.indexes, wanted.indexes),
    )


def _alike(live: Mapping[str, str], wanted: Mapping[str, str]) -> Mapping[str, str]:
    return {
        name: live[name]
        if name in live and CAST.sub("", live[name]) == CAST.sub("", expected)
        else expected
        for name, expected in wanted.items()
    }


def _bare(said: str, enums: Collection[Enum]) -> str:
    """A text without the schemas of these types, which the temporary ones do not have."""
    for one in enums:
        said = said.replace(f"::{one.schema}.{one.name}", f"::{one.name}")
    return said


def _made(connection: Connection, tables: list[Table]) -> tuple[dict[str, Wording], dict[str, str]]:
    """What stands on the models' tables when the server has made them, or why it does not."""
    failures: dict[str, str] = {}
    with connection.begin_nested() as everything:
        path = connection.execute(text("SELECT current_setting('search_path')")).scalar()
        connection.exec_driver_sql(_escaped(f"SET LOCAL search_path TO {TEMPORARY}, {path}"))
        types: set[str] = set()
        for table in tables:
            enums = {str(one.name): one for one in enums_of(table) if one.native_enum}
            try:
                with connection.begin_nested(), warnings.catch_warnings():
                    # What SQLAlchemy has to say of a model it says where the model is made.
                    warnings.simplefilter("ignore", SAWarning)
                    for name in enums.keys() - types:
                        connection.exec_driver_sql(_type(enums[name], connection))
                    for statement in _statements(table, connection):
                        connection.exec_driver_sql(statement)
                types |= enums.keys()
            except DBAPIError as fault:
                failures[table.name] = first_line(fault)
            except SQLAlchemyError as fault:
                failures[table.name] = str(fault).partition("\n")[0]
        names = [table.name for table in tables if table.name not in failures]
        own = connection.execute(text("SELECT pg_my_temp_schema()")).scalar()
        made = _read(connection, own, names, ())
        everything.rollback()
    return made, failures


def _type(enum: Enum, connection: Connection) -> str:
    labels = ", ".join("'" + label.replace("'", "''") + "'" for label in enum.enums)
    name = connection.dialect.identifier_preparer.quote(str(enum.name))
    return _escaped(f"CREATE TYPE {TEMPORARY}.{name} AS ENUM ({labels})")


def _statements(table: Table, connection: Connection) -> Iterator[str]:
    # Foreign keys are left to Alembic, which reads them rightly.
    yield _written(CreateTable(table, include_foreign_key_constraints=[]), table, connection)
    for index in table.indexes:
        made = _written(CreateIndex(index), table, connection)
        yield CONCURRENTLY.sub(r"\1 ", made)


def _escaped(statement: str) -> str:
    return statement.replace("%", "%%")


def _written(element: DDLElement, table: Table, connection: Connection) -> str:
    schemas = {table.schema} | {one.schema for one in enums_of(table)}
    places: Mapping[str | None, str] = {one: TEMPORARY for one in schemas if one is not None}
    options: dict[str, Any] = {}
    if places:
        options = {"schema_translate_map": places, "render_schema_translate": True}
    return str(element.compile(dialect=connection.dialect, **options))
