"""What brings the history to where the models are: a revision, and what must stand in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from alembic.autogenerate import render_python_code
from alembic.operations import ops
from sqlalchemy import Constraint, Index, MetaData
from sqlalchemy.sql.elements import conv

from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.revisions.rendering import render_item
from agentlogger.migrate.trial.objects import Thing, parse

SEEN = ("CHECK", "UNIQUE", "FOREIGN KEY")
"""The constraints that autogenerate compares; of primary keys it says nothing."""

LABEL = re.compile(r"'(?:[^']|'')*'")

KINDS_OF_CONSTRAINT = {
    "CHECK": "check",
    "FOREIGN KEY": "foreignkey",
    "PRIMARY KEY": "primary",
    "UNIQUE": "unique",
}
"""As Alembic's drop_constraint wants to be told."""


def revising(
    key: str,
    history: Mapping[str, str],
    models: Mapping[str, str],
    metadata: MetaData,
    dialect: Dialect,
) -> list[str]:
    """The commands that write and apply the revision which lacks, with what goes into its file.

    `history` and `models` are catalogues that differ in `key`. Where autogenerate does not see the
    difference, the lines for `upgrade()` are those of the models, so that they work on every
    database, or else the statements of this one.
    """
    thing = parse(key)
    message = shlex.quote(_message(key, history, models))
    if _is_seen(thing, history, models):
        allowed = ""
        if key not in models and thing.kind in {"table", "column"}:
            allowed = f" -x {shlex.quote(f'allow-drop={thing.name}')}"
        return [f"flask db migrate{allowed} -m {message}", "flask db upgrade"]
    operations = list(_operations(thing, history, models, metadata))
    if operations:
        upgrade = ops.UpgradeOps(ops=operations)
        code = render_python_code(upgrade, render_as_batch=True, render_item=render_item)
        lines = [line[4:] for line in code.splitlines() if not line.lstrip().startswith("#")]
    else:
        found = dialect.repair(key, history, models)
        lines = [
            line if line.startswith("--") else f"op.execute({line.removesuffix(';')!r})"
            for line in found
        ]
    return [
        f"flask db revision -m {message}",
        "-- in its upgrade():",
        *[line for line in lines if line.strip()],
        "-- then:",
        "flask db upgrade",
    ]


def _message(key: str, history: Mapping[str, str], models: Mapping[str, str]) -> str:
    """What the revision does, in words that `messages.judge` takes."""
    if key not in history:
        return f"add {key}"
    return f"drop {key}" if key not in models else f"alter definition of {key}"


def _is_seen(thing: Thing, history: Mapping[str, str], models: Mapping[str, str]) -> bool:
    """Whether autogenerate writes this difference down by itself."""
    has, shall = history.get(str(thing)), models.get(str(thing))
    if thing.kind == "table":
        return has is None or shall is None
    if thing.kind == "column":
        # A column that begins or ceases to be computed or to count is told, and not written.
        unseen = ("GENERATED ", " DEFAULT nextval(")
        return has is None or shall is None or not any(one in has + shall for one in unseen)
    if thing.kind == "constraint":
        # One without a name is known by what it says, and told.
        is_named = not thing.bare.startswith(SEEN)
        return is_named and all(one is None or one.startswith(SEEN) for one in (has, shall))
    if thing.kind == "enum" and has is not None and shall is not None:
        kept = [label for label in _labels(shall) if label in _labels(has)]
        return kept == _labels(has)
    return thing.kind == "index"


def _labels(definition: str) -> list[str]:
    """The values of an enum, as its catalogue quotes them."""
    return LABEL.findall(definition)


def _operations(
    thing: Thing, history: Mapping[str, str], models: Mapping[str, str], metadata: MetaData
) -> Iterator[ops.MigrateOperation]:
    """Alembic's operations that do it, or nothing where the models do not have the object."""
    model = _in_models(thing, metadata)
    if thing.kind not in {"constraint", "index"} or (str(thing) in models and model is None):
        return
    inner: list[ops.MigrateOperation] = []
    if str(thing) in history:
        inner.append(_drop(thing, history[str(thing)]))
    if isinstance(model, Index):
        inner.append(ops.CreateIndexOp.from_index(model))
    elif model is not None:
        inner.append(ops.AddConstraintOp.from_constraint(model))
    yield ops.ModifyTableOps(thing.bare_table, inner, schema=thing.schema)


def _in_models(thing: Thing, metadata: MetaData) -> Index | Constraint | None:
    """The index or constraint of this name."""
    for table in metadata.tables.values():
        if (table.schema, table.name) == (thing.schema, thing.bare_table):
            named: list[Index | Constraint] = [*table.indexes, *table.constraints]
            return next((one for one in named if one.name == thing.bare), None)
    return None


def _drop(thing: Thing, definition: str) -> ops.MigrateOperation:
    # A name that is said to be final, else the convention would be put in front of it again.
    name = conv(thing.bare)
    if thing.kind == "index":
        return ops.DropIndexOp(name, thing.bare_table, schema=thing.schema)
    kinds = [kind for word, kind in KINDS_OF_CONSTRAINT.items() if definition.startswith(word)]
    return ops.DropConstraintOp(
        name, thing.bare_table, type_=kinds[0] if kinds else None, schema=thing.schema
    )
