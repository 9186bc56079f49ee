"""Enum types; PostgreSQL appends a label without a look at any row, and takes none away."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.operations import Operations

from agentlogger.migrate.causes import Differs
from agentlogger.migrate.postgresql.verbs.found import qualified
from agentlogger.migrate.postgresql.verbs.session import Session


def create_enum(
    operations: Operations, type_name: str, values: Sequence[str], *, schema: str | None
) -> None:
    """Make a type, unless it is there. Raises Differs where it has other labels."""
    on = Session(operations)
    name = qualified(type_name, schema)
    there = [] if on.is_script else on.catalogue.labels(name)
    if there and there != list(values):
        raise Differs(
            f"There is an enum {type_name} already, with the values {', '.join(there)}: nothing "
            "was done. Correct the revision, or give the enum another name, then run the same "
            "command again."
        )
    if not there:
        on.run(f"CREATE TYPE {name} AS ENUM ({', '.join(map(_literal, values))})")


def drop_enum(operations: Operations, type_name: str, *, schema: str | None) -> None:
    """Drop a type, if it is there."""
    Session(operations).lock(f"DROP TYPE IF EXISTS {qualified(type_name, schema)}")


def add_enum_value(
    operations: Operations,
    type_name: str,
    value: str,
    *,
    after: str | None,
    before: str | None,
    schema: str | None,
    columns: Sequence[str],  # noqa: ARG001  (the type itself knows)
) -> None:
    """Add a label to a type, unless it has it."""
    on = Session(operations)
    place = f" AFTER {_literal(after)}" if after is not None else ""
    place = f" BEFORE {_literal(before)}" if before is not None else place
    with on.in_parts():
        on.run(
            f"ALTER TYPE {qualified(type_name, schema)} ADD VALUE IF NOT EXISTS "
            f"{_literal(value)}{place}"
        )


def retire_enum_value(
    operations: Operations,
    type_name: str,
    value: str,
    *,
    schema: str | None,
    columns: Sequence[str],
) -> None:
    """Nothing: the label stays, and who does not know it does not use it."""


def _literal(label: str) -> str:
    return "'" + label.replace("'", "''") + "'"
