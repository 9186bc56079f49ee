"""Enum types of PostgreSQL: made before their first column, dropped after their last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import Enum, MetaData

from agentlogger.migrate.verbs import CreateEnumOp, DropEnumOp
from agentlogger.migrate.writing.phases import Place, Step
from agentlogger.migrate.writing.recalling import Recalled, enums_in


def made(operations: Sequence[Any], metadata: MetaData, recalled: Recalled) -> Iterator[Step]:
    """The steps that make the types which no column had before."""
    del operations
    for one in _without(enums_in(metadata), recalled.enums()):
        verb = CreateEnumOp(str(one.name), list(one.enums), schema=one.schema)
        says = f"create enum {one.name}"
        yield Step([verb], [verb.reverse()], Place.MAKE, is_alone=False, says=says)


def gone(operations: Sequence[Any], metadata: MetaData, recalled: Recalled) -> Iterator[Step]:
    """The steps that drop the types whose last column this change drops."""
    lost: list[tuple[str, str | None]] = [
        (one.table_name, getattr(one, "column_name", None))
        for one in operations
        if isinstance(one, ops.DropTableOp | ops.DropColumnOp)
    ]
    left = {**enums_in(metadata), **recalled.without(lost).enums()}
    for one in _without(recalled.enums(), left):
        verb = DropEnumOp(str(one.name), list(one.enums), schema=one.schema)
        says = f"drop enum {one.name}"
        yield Step([verb], [verb.reverse()], Place.TAKE, is_alone=False, says=says)


def _without(some: Mapping[str, Enum], others: Iterable[str]) -> list[Enum]:
    known = set(others)
    return [one for name, one in some.items() if name not in known]
