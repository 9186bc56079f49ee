"""Whether a statement failed for the one good reason: a run before this one has carried it out.

A kill can come between the commit of a statement that runs in no transaction and the note of it.
The next run executes it again, and PostgreSQL refuses what is there already or gone already. It
says the same of much that was never done, such as an index on a column that does not exist, so what
was refused is looked at together with what the statement does.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

THERE_ALREADY = {"42P07", "42701", "42710", "42723", "42P06"}
"""duplicate relation, column, object, function, schema: only what makes something raises them."""

GONE_ALREADY = {"42P01", "42704", "42883", "3F000"}
"""undefined relation, object, function, schema: where a DROP names nothing else, it is gone."""

UNDEFINED_TABLE, UNDEFINED_COLUMN, UNDEFINED_OBJECT = "42P01", "42703", "42704"

NAME = r'(?:"(?:[^"]|"")+"|\w+)'
TABLE = rf"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?(?P<of>(?:(?P<schema>{NAME})\.)?{NAME})"

MAKES_TABLE = re.compile(rf"\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\s+{TABLE}", re.IGNORECASE)

ADDS_CONSTRAINT = re.compile(
    rf"\s*ALTER\s+TABLE\s+{TABLE}\s+ADD\s+CONSTRAINT\s+(?P<new>{NAME})\s", re.IGNORECASE
)
"""These make an index too, whose name may be taken by something else."""

DROPS = re.compile(r"\s*DROP\s", re.IGNORECASE)

DROPS_OF_TABLE = re.compile(
    rf"\s*ALTER\s+(?:FOREIGN\s+)?TABLE\b.*\sDROP\s+(?:(?P<constraint>CONSTRAINT)\s"
    rf"|(?:COLUMN\s+)?(?!(?:NOT\s+NULL|DEFAULT|EXPRESSION|IDENTITY)\b){NAME})",
    re.IGNORECASE | re.DOTALL,
)
"""A column or constraint that a table loses; not the NOT NULL or the default of a column."""

RENAMES = re.compile(
    r"\s*ALTER\s+(?:FOREIGN\s+TABLE|TABLE|INDEX|SEQUENCE|MATERIALIZED\s+VIEW|VIEW|(?P<type>TYPE))"
    rf"\s+{TABLE}\s+RENAME\s+"
    rf"(?:(?P<constraint>CONSTRAINT)\s+{NAME}\s+|(?P<column>(?:COLUMN\s+)?{NAME})\s+)?"
    rf"TO\s+(?P<new>{NAME})\s*;?\s*",
    re.IGNORECASE,
)

HAS_COLUMN = text(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(:of)"
    " AND attname = (parse_ident(:new))[1] AND NOT attisdropped)"
)
HAS_CONSTRAINT = text(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = to_regclass(:of)"
    " AND conname = (parse_ident(:new))[1])"
)
HAS_RELATION = text("SELECT to_regclass(:new) IS NOT NULL")
HAS_TYPE = text("SELECT to_regtype(:new) IS NOT NULL")


def is_done(connection: Connection, fault: DBAPIError) -> bool:
    """Whether what the statement makes is there, or what it drops or renames is gone.

    The connection is one that the fault has left usable, as in autocommit mode.
    """
    code = getattr(fault.orig, "pgcode", None)
    statement = fault.statement or ""
    if code in THERE_ALREADY:
        return _is_made(connection, statement)
    if DROPS.match(statement):
        return code in GONE_ALREADY
    dropped = DROPS_OF_TABLE.match(statement)
    if dropped:
        return code == (UNDEFINED_OBJECT if dropped["constraint"] else UNDEFINED_COLUMN)
    renamed = RENAMES.fullmatch(statement)
    return renamed is not None and _is_renamed(connection, renamed, str(code))


def _is_made(connection: Connection, statement: str) -> bool:
    table, constraint = MAKES_TABLE.match(statement), ADDS_CONSTRAINT.match(statement)
    if table:
        return bool(connection.execute(HAS_RELATION, {"new": table["of"]}).scalar())
    if constraint:
        found = {"of": constraint["of"], "new": constraint["new"]}
        return bool(connection.execute(HAS_CONSTRAINT, found).scalar())
    return True


def _is_renamed(connection: Connection, renamed: re.Match[str], code: str) -> bool:
    """Whether the old name is refused and the new one is there; a mistyped name is refused too."""
    found = {"of": renamed["of"], "new": renamed["new"]}
    if renamed["constraint"]:
        refused, has = UNDEFINED_OBJECT, HAS_CONSTRAINT
    elif renamed["column"]:
        refused, has = UNDEFINED_COLUMN, HAS_COLUMN
    else:
        if renamed["schema"]:
            found["new"] = f"{renamed['schema']}.{renamed['new']}"
        refused, has = (
            (UNDEFINED_OBJECT, HAS_TYPE) if renamed["type"] else (UNDEFINED_TABLE, HAS_RELATION)
        )
    return code == refused and bool(connection.execute(has, found).scalar())
