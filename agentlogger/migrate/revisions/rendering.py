"""How autogenerate writes types that Alembic writes wrongly."""

from __future__ import annotations

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write JSONB with another type for SQLite as code that runs.

    Alembic 1.20.1 renders it as `JSONB(astext_type=Text())`, and the generated file has no `Text`;
    a type of the application's own would make the revision import live code. Everything else is
    left to Alembic.
    """
    if kind != "type" or type(item) is not JSONB:
        return False
    variant = dict(item._variant_mapping).get("sqlite")  # noqa: SLF001  (no public reading)
    if variant is None:
        return False
    context.imports.add("from sqlalchemy.dialects import postgresql")
    theirs = variant.impl if isinstance(variant, TypeDecorator) else variant
    name = type(theirs).__name__
    return f'postgresql.JSONB(none_as_null={item.none_as_null}).with_variant(sa.{name}(), "sqlite")'
