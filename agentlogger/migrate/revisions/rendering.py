"""How autogenerate writes types and defaults that Alembic writes wrongly."""

from __future__ import annotations

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect as SQLDialect
from sqlalchemy.sql.functions import now


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write JSONB with another type for SQLite as code that runs, and `now()` for both databases.

    Alembic 1.20.1 renders it as `JSONB(astext_type=Text())`, and the generated file has no `Text`;
    a type of the application's own would make the revision import live code. Everything else is
    left to Alembic.
    """
    if kind == "server_default" and isinstance(getattr(item, "arg", None), now):
        # Alembic would write what this database makes of it, and the other does not know that.
        return "sa.func.now()"
    if kind == "type" and type(item) is Enum and item.native_enum and item.name:
        return _enum(item)
    if kind != "type" or type(item) is not JSONB:
        return False
    variant = dict(item._variant_mapping).get("sqlite")  # noqa: SLF001  (no public reading)
    if variant is None:
        return False
    context.imports.add("from sqlalchemy.dialects import postgresql")
    theirs = variant.impl if isinstance(variant, TypeDecorator) else variant
    name = type(theirs).__name__
    return f'postgresql.JSONB(none_as_null={item.none_as_null}).with_variant(sa.{name}(), "sqlite")'


def _enum(item: Enum) -> str:
    """An enum whose type is made and dropped by verbs, and not with any table."""
    words = [repr(str(label)) for label in item.enums]
    words += [f"name={str(item.name)!r}"]
    words += [f"schema={str(item.schema)!r}"] if item.schema else []
    words += ["create_constraint=True"] if item.create_constraint else []
    return f"sa.Enum({', '.join([*words, 'create_type=False'])})"


def write_percent_signs_once(dialect: SQLDialect) -> None:
    """Let SQL text be written into a file as it is, with a percent sign as one.

    Alembic 1.20.1 writes what the driver is to be given, where psycopg2 wants two for each; run
    from the file each becomes two once more, and is in the CHECK or condition for good.
    """
    preparer: Any = dialect.identifier_preparer
    preparer._double_percents = False  # noqa: SLF001  (no public way)
