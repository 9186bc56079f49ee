"""How autogenerate writes types that Alembic writes wrongly."""

from __future__ import annotations

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON
from sqlalchemy.dialects.postgresql import JSONB


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write JSON with a JSONB variant as code that runs.

    Alembic 1.20.1 renders the variant as `JSONB(astext_type=Text())`, and the generated file has no
    `Text`. Everything else is left to Alembic.
    """
    if kind != "type" or type(item) is not JSON:
        return False
    variant = dict(item._variant_mapping).get("postgresql")  # noqa: SLF001  (no public reading)
    if type(variant) is not JSONB:
        return False
    context.imports.add("from sqlalchemy.dialects import postgresql")
    own, theirs = (f"none_as_null={kind.none_as_null}" for kind in (item, variant))
    return f'sa.JSON({own}).with_variant(postgresql.JSONB({theirs}), "postgresql")'
